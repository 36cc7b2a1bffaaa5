--- MariaDB's own tests say the same through the program as they do directly:
-- the telling ones of mariadb_tests.txt, which says what differs and why.
local folder = require "support.folder"
local mariadb_test = require "support.mariadb_test"
local moongate = require "support.moongate"
local ways = require "support.mysql_ways"


for title, options in pairs({
  ["without InnoDB, as most were recorded"] = { set = "test" },
  ["with InnoDB"] = { set = "innodb test", innodb = true },
}) do
  describe("MariaDB's own tests, " .. title, function()
    local place, suite, m

    setup(function()
      place = folder.make()
      suite = mariadb_test.start({ folder = place, innodb = options.innodb })
      m = moongate.start({
        config = ways.CONFIG, ports = { db1 = suite.port }, workers = 2,
      })
    end)

    teardown(function()
      moongate.finish()
      if suite then
        suite:stop()
      end
      folder.remove(place)
    end)

    for _, test in ipairs(mariadb_test.list(options.set)) do
      -- What it says directly is what the suite has recorded.
      it("as " .. test.title, function()
        for _, way in ipairs(test.ways) do
          local verdict, said = suite:run(test.name, m.port[way.name])
          assert.are.equal(way.passes, verdict == "pass",
            ("by %s it %s: %s"):format(way.name, verdict, said))
        end
      end)
    end
  end)
end
