--- Carries out a Dockerfile without Docker: each stage is a Debian in a folder,
-- each RUN a chroot into it; then runs what has come of it, as a container is,
-- in namespaces of its own.
--
--     local image = image.build(".", place, { ["debian:12"] = base })
--     local box = image:start { log = place .. "/log" }
--     box:is_healthy()                 -- by its HEALTHCHECK
--     box:exec { "moongate", "version" }
--     box:fetch("http://127.0.0.1/")
--     box:stop()                       -- by its STOPSIGNAL
--
-- It takes root, and curl.  RUN has the network of the machine; what is started
-- has one of its own, in which there is nobody.
local dockerfile = require "support.dockerfile"
local folder = require "support.folder"
local lfs = require "lfs"
local loop = require "support.loop"
local process = require "support.process"

local PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
local STEP_SECONDS = 1800
local STOP_SECONDS = 30

-- $1: the root.  Then what to run in there.
local IN_ROOT = [[
mount -t proc proc "$1/proc"
shift
exec "$@"
]]

-- Who is not root may open port 80, as Docker has it.
local IN_BOX = [[
ip link set lo up
echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start
]] .. IN_ROOT

local _M = {}
local Image = {}
Image.__index = Image
local Box = {}
Box.__index = Box


local function run(what, argv)
  local status, text = process.run(argv, { seconds = STEP_SECONDS })
  if status ~= 0 then
    error(("%s: %s: status %s\n%s"):format(what, table.concat(argv, " "),
      tostring(status), text), 0)
  end
  return text
end


local function append(list, more)
  for _, word in ipairs(more) do
    list[#list + 1] = word
  end
  return list
end


-- The words that run ARGV in a root as a stage has it by then.
local function words_in(image, root, argv)
  local words = { "chroot", root }
  if image.user then
    -- Another user forgets --kill-child.
    append(words, { "setpriv", "--reuid=" .. image.user,
                    "--regid=" .. image.user, "--init-groups",
                    "--pdeathsig=KILL" })
  end
  append(words, { "env", "-i", "-C", image.workdir, "PATH=" .. PATH,
                  "HOME=" .. (image.user and "/" or "/root") })
  for name, value in pairs(image.env) do
    words[#words + 1] = name .. "=" .. value
  end
  return append(words, argv)
end


-- What Docker would send to its daemon: the folder without what .dockerignore
-- names.
local function copy_context(from, to)
  local words = { "tar", "-C", from, "-c", "--anchored", "--no-wildcards" }
  for line in (folder.read(from .. "/.dockerignore") or ""):gmatch("[^\n]+") do
    assert(not line:find("[%*%?%[!#]"), ".dockerignore: not understood: "
      .. line)
    words[#words + 1] = "--exclude=./" .. line
  end
  append(words, { "-f", to .. ".tar", "." })
  run("context", words)
  lfs.mkdir(to)
  run("context", { "tar", "-C", to, "--no-same-owner", "-xf", to .. ".tar" })
  os.remove(to .. ".tar")
end


local function copy(image, step, from)
  local to = step.to:find("^/") and step.to or image.workdir .. "/" .. step.to
  local place = image.root .. to
  for _, source in ipairs(step.sources) do
    local path = from .. "/" .. source
    local words = { "sh", "-ec", 'mkdir -p "${2%/*}"; cp -p "$1" "$2"' }
    if lfs.attributes(path, "mode") == "directory" then
      words[3] = 'mkdir -p "$2"; cp -a "$1/." "$2/"'
    end
    run("COPY", append(words, { "sh", path, place }))
  end
end


local carry_out = {}


function carry_out.RUN(image, step)
  run(("Dockerfile:%d: RUN"):format(step.line), append({
    "unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-ec",
    IN_ROOT, "sh", image.root,
  }, words_in(image, image.root, { "/bin/sh", "-c", step.text })))
end


function carry_out.COPY(image, step, stages)
  local from = stages.context
  if step.stage then
    from = assert(stages[step.stage], "no stage " .. step.stage).root
  end
  copy(image, step, from)
end


function carry_out.ENV(image, step)
  for name, value in pairs(step.values) do
    image.env[name] = value
  end
end


function carry_out.WORKDIR(image, step)
  image.workdir = step.text
  run("WORKDIR", { "mkdir", "-p", image.root .. step.text })
end


function carry_out.USER(image, step)
  image.user = step.text
end


function carry_out.EXPOSE(image, step)
  image.ports = step.ports
end


function carry_out.STOPSIGNAL(image, step)
  image.stop_signal = step.text:gsub("^SIG", "")
end


function carry_out.HEALTHCHECK(image, step)
  image.health = step.argv
end


function carry_out.ENTRYPOINT(image, step)
  image.entrypoint = step.argv
end


function carry_out.CMD(image, step)
  image.command = step.argv
end


--- Builds it.
-- @param context  string: the folder with the Dockerfile
-- @param place    string: an existing folder, for the stages
-- @param bases    table: the roots of the images that FROM names
-- @return the image: the last stage; `root`, `user`, `ports`, ...
function _M.build(context, place, bases)
  local stages = { context = place .. "/context" }
  local parsed = dockerfile.parse(folder.read(context .. "/Dockerfile"))
  copy_context(context, stages.context)
  for i, stage in ipairs(parsed) do
    local image = setmetatable({
      root = ("%s/stage-%d"):format(place, i), env = {}, workdir = "/",
      stop_signal = "TERM",
    }, Image)
    run("FROM", { "cp", "-a", assert(bases[stage.from],
      "no base for FROM " .. stage.from), image.root })
    for _, step in ipairs(stage.steps) do
      carry_out[step.word](image, step, stages)
    end
    stages[stage.name or i], stages[i] = image, image
  end
  return stages[#parsed]
end


-- Shell that puts a folder of the machine at a path of the image, to be read.
local function mount_text(image, volume)
  local to = image.root .. volume.to
  run("volume", { "mkdir", "-p", to })
  return ('mount --bind "%s" "%s"\nmount -o remount,bind,ro "%s"\n'):format(
    volume.from, to, to)
end


--- Starts it.
-- @param options  table: log (string: a file for what it prints), command
--                 (array: instead of CMD), volumes (array of { from, to })
-- @return the container
function Image:start(options)
  local mounts = ""
  for _, volume in ipairs(options.volumes or {}) do
    mounts = mounts .. mount_text(self, volume)
  end
  local argv = append({}, self.entrypoint)
  append(argv, options.command or self.command)
  local words = append({
    "unshare", "--mount", "--pid", "--net", "--fork", "--kill-child", "sh",
    "-ec", mounts .. IN_BOX, "sh", self.root,
  }, words_in(self, self.root, argv))
  local box = setmetatable({ image = self, log_file = options.log }, Box)
  box.process = process.spawn(words,
    { stdout = options.log, stderr = options.log })
  box.pid = loop.wait_until("the container has a process", function()
    assert(box.process:alive(), box:log())
    return process.children(box.process.pid)[1]
  end)
  return box
end


--- What it has printed.
function Box:log()
  return folder.read(self.log_file) or ""
end


-- The words that run something in namespaces of it.
local function enter(box, namespaces, argv)
  local words = { "nsenter", "--target", tostring(box.pid) }
  return append(append(words, namespaces), argv)
end


--- Runs something in there, as its user.
-- @return integer: the status; string: what it printed
function Box:exec(argv)
  return process.run(enter(self, { "--mount", "--net", "--pid", "--root" },
    words_in(self.image, "/", argv)), { seconds = STOP_SECONDS })
end


--- Whether its HEALTHCHECK says so.
function Box:is_healthy()
  assert(self.process:alive(), self:log())
  return self:exec(self.image.health) == 0
end


--- Asks a URL from in there.
-- @param user  string or nil: NAME:PASSWORD
-- @return integer: HTTP's status; string: the body
function Box:fetch(url, user)
  local words = { "curl", "-sS", "-w", "\n%{http_code}", url }
  if user then
    append(words, { "-u", user })
  end
  local status, text = process.run(enter(self, { "--net" }, words))
  assert(status == 0, text)
  local body, code = text:match("^(.*)\n(%d+)$")
  return tonumber(code), body
end


--- Ends it as Docker would, by its signal.
-- @return integer: its status; nil: it did not end
function Box:stop()
  process.kill(self.pid, self.image.stop_signal)
  return self.process:wait(STOP_SECONDS)
end


--- The processes that have the image for their root.
-- @return array of integers
function Image:processes()
  local pids = {}
  for _, name in ipairs(folder.list("/proc")) do
    local root = name:find("^%d+$")
      and lfs.symlinkattributes("/proc/" .. name .. "/root", "target")
    if root == self.root then
      pids[#pids + 1] = tonumber(name)
    end
  end
  return pids
end


return _M
