--- script_watch: what is saved is swapped in, however editors and deployments
-- save it.
local folder = require "support.folder"
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local process = require "support.process"

local CONFIG = [[
  [http one]
  listen = 127.0.0.1:${port_one}
  root = ${dir}/www
  script = one.lua
  access_log = off
  [http two]
  listen = 127.0.0.1:${port_two}
  root = ${dir}/www
  script = %s
  access_log = off
]]

local ANSWERS = [[
  local moongate = require "moongate"
  return { request = function() return moongate.reply(200, nil, %q) end }
]]

local ASKS_MODULE = [[
  local moongate = require "moongate"
  local words = require "%s"
  return { request = function() return moongate.reply(200, nil, words) end }
]]


describe("script_watch", function()
  local m

  local function start(options)
    options = options or {}
    local files = {
      ["lua/one.lua"] = ANSWERS:format("v1"),
      ["lua/two.lua"] = ANSWERS:format("v1"),
    }
    for name, text in pairs(options.files or {}) do
      files[name] = text
    end
    m = moongate.start {
      config = CONFIG:format(options.two or "two.lua"),
      workers = 2, files = files, links = options.links,
      global = "script_watch = on\n" .. (options.global or ""),
    }
  end

  after_each(moongate.finish)

  local function fetch(port)
    return http.fetch(m.port[port or "one"], "/").body
  end

  local function wait_for(text, port)
    loop.wait_until((port or "one") .. " answers " .. text, function()
      return fetch(port) == text
    end)
  end

  local function rename(from, to)
    assert(os.rename(m.dir .. "/" .. from, m.dir .. "/" .. to))
  end

  local function write(path, text)
    folder.write(m.dir .. "/" .. path, text)
  end

  it("takes what is written in place", function()
    start()
    for version = 2, 4 do
      write("lua/one.lua", ANSWERS:format("v" .. version))
      wait_for("v" .. version)
    end
    assert.are.equal("v1", fetch("two"))
  end)

  it("takes what an editor renames into place", function()
    start()
    for version = 2, 4 do
      rename("lua/one.lua", "lua/one.lua~")
      write("lua/.one.lua.new", ANSWERS:format("v" .. version))
      rename("lua/.one.lua.new", "lua/one.lua")
      wait_for("v" .. version)
    end
  end)

  it("takes a script of which only a module has changed", function()
    start { files = {
      ["lua/one.lua"] = ASKS_MODULE:format("words"),
      ["lua/words.lua"] = "return 'first'",
    } }
    assert.are.equal("first", fetch())
    write("lua/words.lua", "return 'second'")
    wait_for("second")
    m:wait_log("script one.lua: version %x+ is in use generation=2 .* by "
      .. "script_watch")
  end)

  -- COUNT scripts, each of a section, which ask for the same module.
  local function start_many(count, name)
    local config, files = { CONFIG }, {
      ["lua/words.lua"] = "return 'first'",
      ["lua/one.lua"] = ANSWERS:format("v1"),
      ["lua/two.lua"] = ANSWERS:format("v1"),
    }
    for i = 1, count do
      config[#config + 1] = ([[
        [http many%d]
        listen = unix:${dir}/many%d.sock
        root = ${dir}/www
        script = %s
        access_log = off
      ]]):format(i, i, name:format(i))
      files["lua/" .. name:format(i)] = ASKS_MODULE:format("words")
    end
    m = moongate.start {
      config = table.concat(config, "\n"):format("two.lua"), workers = 2,
      files = files, global = "script_watch = on",
    }
  end

  local function count_exchanged()
    local n = 0
    for _, script in ipairs(m:ctl("script list --json")) do
      n = n + (script.generation > 1 and 1 or 0)
    end
    return n
  end

  it("takes all scripts of which a module has changed", function()
    start_many(70, "many%d.lua")
    write("lua/words.lua", "return 'second'")
    loop.wait_until("all are exchanged", function()
      return count_exchanged() == 70
    end, 60)
  end)

  it("takes all of them when their names are long", function()
    start_many(70, ("n"):rep(175) .. "%d.lua")
    write("lua/words.lua", "return 'second'")
    loop.wait_until("all are exchanged", function()
      return count_exchanged() == 70
    end, 60)
  end)

  it("looks into folders, also those that come later", function()
    start { files = {
      ["lua/one.lua"] = ASKS_MODULE:format("deep.er.words"),
      ["lua/deep/er/words.lua"] = "return 'first'",
    } }
    write("lua/deep/er/words.lua", "return 'second'")
    wait_for("second")
    write("lua/later/on/words.lua", "return 'third'")
    write("lua/one.lua", ASKS_MODULE:format("later.on.words"))
    wait_for("third")
    write("lua/later/on/words.lua", "return 'fourth'")
    wait_for("fourth")
  end)

  it("takes a script that is named by an absolute path", function()
    start {
      two = "${dir}/elsewhere/two.lua",
      files = { ["elsewhere/two.lua"] = ANSWERS:format("v1") },
    }
    write("elsewhere/two.lua", ANSWERS:format("v2"))
    wait_for("v2", "two")
    write("elsewhere/.new", ANSWERS:format("v3"))
    rename("elsewhere/.new", "elsewhere/two.lua")
    wait_for("v3", "two")
  end)

  -- A new link beside the old one, renamed over it.
  local function exchange(link, target)
    folder.link(target, m.dir .. "/" .. link .. "_tmp")
    rename(link .. "_tmp", link)
  end

  -- As Kubernetes mounts a ConfigMap: files are links through a link to a
  -- folder, which is what is exchanged.
  it("takes a folder that is exchanged by a link in it", function()
    start {
      global = "script_path = mount",
      files = {
        ["mount/..v1/one.lua"] = ANSWERS:format("v1"),
        ["mount/..v1/two.lua"] = ANSWERS:format("v1"),
      },
      links = {
        ["mount/..data"] = "..v1",
        ["mount/one.lua"] = "..data/one.lua",
        ["mount/two.lua"] = "..data/two.lua",
      },
    }
    for version = 2, 4 do
      local place = "mount/..v" .. version
      write(place .. "/one.lua", ANSWERS:format("v" .. version))
      write(place .. "/two.lua", ANSWERS:format("v" .. version))
      exchange("mount/..data", "..v" .. version)
      wait_for("v" .. version)
      wait_for("v" .. version, "two")
    end
  end)

  it("takes a folder whose own link is exchanged", function()
    start {
      global = "script_path = current/lua",
      files = {
        ["releases/v1/lua/one.lua"] = ANSWERS:format("v1"),
        ["releases/v1/lua/two.lua"] = ANSWERS:format("v1"),
      },
      links = { ["current"] = "releases/v1" },
    }
    for version = 2, 3 do
      for _, name in ipairs { "one", "two" } do
        write(("releases/v%d/lua/%s.lua"):format(version, name),
          ANSWERS:format("v" .. version))
      end
      exchange("current", "releases/v" .. version)
      wait_for("v" .. version)
      wait_for("v" .. version, "two")
    end
    write("releases/v3/lua/one.lua", ANSWERS:format("v4"))
    wait_for("v4")
  end)

  it("tells once what is wrong with one, and takes the others", function()
    start()
    write("lua/one.lua", "return {{{")
    m:wait_log("script one.lua: version %x+ stays: ")
    for version = 2, 4 do
      write("lua/two.lua", ANSWERS:format("v" .. version))
      wait_for("v" .. version, "two")
    end
    assert.are.equal("v1", fetch())
    local _, count = m:log():gsub("script one.lua: version %x+ stays: ", "")
    assert.are.equal(1, count)
    write("lua/one.lua", ANSWERS:format("v2"))
    wait_for("v2")
  end)

  it("warns where not everything can be watched, and serves", function()
    start { files = (function()
      local files = {}
      for i = 1, 1100 do
        files[("lua/many/f%d/x.lua"):format(i)] = "return {}"
      end
      return files
    end)() }
    m:wait_log("warn .*script_watch: not everything is watched, from .*: too "
      .. "many folders")
    write("lua/one.lua", ANSWERS:format("v2"))
    wait_for("v2")
  end)

  it("is off unless it is wanted", function()
    m = moongate.start {
      config = CONFIG:format("two.lua"), workers = 2,
      files = {
        ["lua/one.lua"] = ANSWERS:format("v1"),
        ["lua/two.lua"] = ANSWERS:format("v1"),
      },
    }
    write("lua/one.lua", ANSWERS:format("v2"))
    for _, fd in ipairs(process.fds(m.master.pid)) do
      assert.is_nil(fd.target:find("inotify", 1, true))
    end
    assert.are.equal("v1", fetch())
  end)
end)
