--- Reads a Dockerfile: the instructions that ours has, and no others.
--
--     local stages = dockerfile.parse(folder.read("Dockerfile"))
--
-- A stage is { from = IMAGE, name = NAME or nil, steps = { { word, ... } } }.
-- Each step has `line`, `word`, and by its word:
--
--     RUN, WORKDIR, USER, STOPSIGNAL   text
--     COPY                             from, to, sources, stage (--from)
--     ENV                              values (by name)
--     EXPOSE                           ports
--     HEALTHCHECK                      argv
--     ENTRYPOINT, CMD                  argv
--
-- What is not understood raises "Dockerfile:LINE: ...".
local json = require "dkjson"

local _M = {}


local function fail(line, ...)
  error(("Dockerfile:%d: %s"):format(line, (...):format(select(2, ...))), 0)
end


local function words_of(text)
  local words = {}
  for word in text:gmatch("%S+") do
    words[#words + 1] = word
  end
  return words
end


-- Takes --NAME=VALUE off the beginning of a text.
local function take_options(step, text, known)
  local options = {}
  while text:find("^%-%-") do
    local name, value, rest = text:match("^%-%-([%w-]+)=(%S+)%s+(.*)$")
    if not known[name] then
      fail(step.line, "%s: an option that is not understood: %s", step.word,
        text)
    end
    options[name], text = value, rest
  end
  return options, text
end


-- The form ["WORD", ...], in which no shell has a say.
local function take_argv(step, text)
  local argv = json.decode(text)
  if type(argv) ~= "table" or #argv == 0 then
    fail(step.line, '%s: write ["PROGRAM", ...], not %s', step.word, text)
  end
  return argv
end


local function take_text(step, text)
  if text:find("^%[") then
    fail(step.line, "%s: write it without [ ]", step.word)
  end
  step.text = text
end


local readers = {
  RUN = take_text,
  WORKDIR = take_text,
  USER = take_text,
  STOPSIGNAL = take_text,
}


function readers.COPY(step, text)
  local options, rest = take_options(step, text, { from = true })
  local words = words_of(rest)
  if #words < 2 then
    fail(step.line, "COPY: write COPY SOURCE... PLACE")
  end
  step.stage = options.from
  step.to = table.remove(words)
  step.sources = words
end


function readers.ENV(step, text)
  step.values = {}
  for _, word in ipairs(words_of(text)) do
    local name, value = word:match("^([%w_]+)=([^\"'$]*)$")
    if not name then
      fail(step.line, "ENV: write NAME=VALUE, without quotes, not %s", word)
    end
    step.values[name] = value
  end
end


function readers.EXPOSE(step, text)
  step.ports = {}
  for _, word in ipairs(words_of(text)) do
    step.ports[#step.ports + 1] = tonumber(word)
      or fail(step.line, "EXPOSE: %s is no port", word)
  end
end


function readers.HEALTHCHECK(step, text)
  local _, rest = take_options(step, text, {
    interval = true, timeout = true, retries = true, ["start-period"] = true,
  })
  local command = rest:match("^CMD%s+(.*)$")
  if not command then
    fail(step.line, "HEALTHCHECK: write CMD [...], not %s", rest)
  end
  step.argv = take_argv(step, command)
end


function readers.ENTRYPOINT(step, text)
  step.argv = take_argv(step, text)
end


readers.CMD = readers.ENTRYPOINT


-- Lines without comments; those that end in \ joined with what follows.
local function instructions_of(text)
  local found, open = {}, nil
  local number = 0
  for line in (text .. "\n"):gmatch("(.-)\n") do
    number = number + 1
    if not line:find("^%s*#") and (open or line:find("%S")) then
      local piece, more = line:match("^%s*(.-)%s*(\\?)%s*$")
      if not open then
        open = { line = number, text = piece }
        found[#found + 1] = open
      else
        open.text = open.text .. " " .. piece
      end
      open = more ~= "" and open or nil
    end
  end
  return found
end


local function begin_stage(line, text)
  local words = words_of(text)
  if #words ~= 1 and not (#words == 3 and words[2]:upper() == "AS") then
    fail(line, "FROM: write FROM IMAGE [AS NAME], not %s", text)
  end
  return { from = words[1], name = words[3], steps = {} }
end


--- Reads it.
-- @param text  string
-- @return array of stages
function _M.parse(text)
  local stages = {}
  for _, one in ipairs(instructions_of(text)) do
    local word, rest = one.text:match("^(%a+)%s+(.*)$")
    if word == "FROM" then
      stages[#stages + 1] = begin_stage(one.line, rest)
    elseif not readers[word] then
      fail(one.line, "%s is not among the instructions that are understood",
        word or one.text)
    elseif #stages == 0 then
      fail(one.line, "%s before FROM", word)
    else
      local step = { line = one.line, word = word }
      readers[word](step, rest)
      table.insert(stages[#stages].steps, step)
    end
  end
  return stages
end


return _M
