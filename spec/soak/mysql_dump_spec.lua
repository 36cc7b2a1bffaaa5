--- A database of 500 MB, a quarter of it in values of more than a packet, is
-- dumped and restored through the program.
local dump_restore = require "support.dump_restore"

local DATA = {
  rows = 1400000,
  blobs = { 0, 1, 255, 256, 65535, 65536, 2 ^ 24 - 6, 2 ^ 24 - 5, 2 ^ 24 },
}
for i = 1, 6 do
  DATA.blobs[#DATA.blobs + 1] = 2 ^ 24 + i * 1000003
end


describe("a database of 500 MB", function()
  local pair

  setup(function()
    pair = dump_restore.start(DATA)
  end)

  teardown(function()
    if pair then
      pair:stop()
    end
  end)

  for _, section in ipairs(dump_restore.SECTIONS) do
    it("is the same on every node after dump and restore, by " .. section,
       function()
      local result = pair:round(section)
      assert.is_truthy(result.source:find("\n42\n", 1, true), result.source)
      for _, target in ipairs(result.targets) do
        assert.are.equal(result.source, target)
      end
      for i, n in ipairs(result.fds) do
        assert.is_true(n <= result.fds_before[i], n .. " descriptors")
      end
      assert.is_true(result.grown < dump_restore.MORE_RSS,
        "the workers have grown by " .. result.grown .. " bytes")
    end)
  end
end)
