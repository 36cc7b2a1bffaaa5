--- moongate.metric in scripts, and how `show metrics` renders it.
local ffi = require "ffi"
local json = require "dkjson"
local program = require "script.program"
local support = require "support.ffi"
local core = support.load("board/render_metrics.h", "board/metric.h")

local CONFIG = [[
[http web]
listen = 127.0.0.1:8080
script = a.lua
]]
local LIMIT = 1048576

local p


-- Starts a script; HEAD stands outside, BODY in `request`.
local function start(head, body)
  p = assert(program.start {
    config = "script_budget = 10s\nscript_memory = 16m\n" .. CONFIG,
    lua = {
      ["a.lua"] = "local moongate = require 'moongate'\n" .. head
        .. "\nreturn { request = function(req)\n" .. (body or "") .. "\nend }",
    },
  })
end


local function render(format)
  local out = ffi.new("struct buf")
  core.buf_init_growing(out, LIMIT)
  core.render_metrics(out, p.site.board, format or core.RENDER_TEXT)
  assert.is_false(out.failed)
  local text = ffi.string(out.p, out.len)
  core.buf_fini(out)
  return text
end


local function shows(expected)
  local text = render()
  assert.is_truthy(text:find(expected, 1, true), text)
end


after_each(function()
  if p then
    p:stop()
    p = nil
  end
end)


describe("moongate.metric", function()
  it("counts without labels", function()
    start("local n = moongate.metric.counter('app_seen_total', 'Seen.')",
      "n:inc() n:inc(2.5)")
    p:get("/")
    p:get("/")
    assert.are.same({}, p.log)
    shows("# HELP app_seen_total Seen.\n# TYPE app_seen_total counter\n"
      .. "app_seen_total 7\n")
  end)

  it("counts with labels, in the metric's order", function()
    start("local n = moongate.metric.counter('app_total', 'Answers.', "
      .. "{ 'code', 'host' })",
      "n:inc(1, { host = 'a', code = 200 })\n"
      .. "n:inc(1, { host = 'a', code = '200' })\n"
      .. "n:inc(1, { host = 'b', code = true })")
    p:get("/")
    p:get("/")
    assert.are.same({}, p.log)
    shows('app_total{code="200",host="a"} 4\n'
      .. 'app_total{code="true",host="b"} 2\n')
  end)

  it("is not confused by labels that count themselves", function()
    start([[
      local inner = moongate.metric.counter("app_inner_total", "Inner.",
        { "x" })
      local outer = moongate.metric.counter("app_outer_total", "Outer.",
        { "a", "b" })
      local labels = setmetatable({ a = "first" }, { __index = function()
        inner:inc(1, { x = "other" })
        return "second"
      end })
    ]], "assert(outer:inc(1, labels))")
    p:get("/")
    assert.are.same({}, p.log)
    shows('app_outer_total{a="first",b="second"} 1\n')
  end)

  it("keeps no more of labels that are cut than there is room for", function()
    start([[
      local n = moongate.metric.counter("app_uri_total", "URIs.", { "uri" })
      local same = ("/"):rep(300)
    ]], [[
      for i = 1, 20000 do
        assert(n:inc(1, { uri = same .. req.path .. i }))
      end
    ]])
    for i = 1, 20 do
      p:get("/" .. i)
    end
    assert.are.same({}, p.log)
    local text = render()
    assert.is_truthy(text:find('"} 400000\n', 1, true), text)
  end)

  it("has gauges that go up and down", function()
    start("local g = moongate.metric.gauge('app_depth', 'Depth.', { 'q' })",
      "g:set(10, { q = 'x' }) g:inc(-3, { q = 'x' }) g:inc(nil, { q = 'y' })")
    p:get("/")
    assert.are.same({}, p.log)
    shows('# TYPE app_depth gauge\napp_depth{q="x"} 7\napp_depth{q="y"} 1\n')
  end)

  it("has histograms with the usual buckets", function()
    start("local h = moongate.metric.histogram('app_seconds', 'Time.')",
      "h:observe(0.005) h:observe(0.3) h:observe(99)")
    p:get("/")
    assert.are.same({}, p.log)
    shows('# TYPE app_seconds histogram\n'
      .. 'app_seconds_bucket{le="0.005"} 1\napp_seconds_bucket{le="0.01"} 1\n')
    shows('app_seconds_bucket{le="0.25"} 1\napp_seconds_bucket{le="0.5"} 2\n')
    shows('app_seconds_bucket{le="10"} 2\napp_seconds_bucket{le="+Inf"} 3\n'
      .. 'app_seconds_sum 99.305\napp_seconds_count 3\n')
  end)

  it("puts what is no number above all buckets", function()
    start("local h = moongate.metric.histogram('app_h', 'H.', nil, { 1 })",
      "h:observe(0/0)")
    p:get("/")
    shows('app_h_bucket{le="1"} 0\napp_h_bucket{le="+Inf"} 1\n'
      .. "app_h_sum NaN\napp_h_count 1\n")
  end)

  it("has histograms with other buckets, and labels", function()
    start("local h = moongate.metric.histogram('app_bytes', 'Size.', "
      .. "{ 'kind' }, { 10, 1e6 })", "h:observe(11, { kind = 'k' })")
    p:get("/")
    shows('app_bytes_bucket{kind="k",le="10"} 0\n'
      .. 'app_bytes_bucket{kind="k",le="1000000"} 1\n'
      .. 'app_bytes_bucket{kind="k",le="+Inf"} 1\n'
      .. 'app_bytes_sum{kind="k"} 11\napp_bytes_count{kind="k"} 1\n')
  end)

  it("escapes what labels and help hold", function()
    start("local n = moongate.metric.counter('app_total', "
      .. "'A \\\\ and\\na \"line\".', { 'l' })",
      "n:inc(1, { l = 'quote\" back\\\\slash\\nline' })\n"
      .. "n:inc(1, { l = 'caf\\195\\169 \\255\\195' })")
    p:get("/")
    shows('# HELP app_total A \\\\ and\\na "line".\n')
    shows('app_total{l="quote\\" back\\\\slash\\nline"} 1\n')
    shows('app_total{l="caf\195\169 ??"} 1\n')
  end)

  it("cuts labels' values at whole characters", function()
    start("local n = moongate.metric.counter('app_total', 'Seen.', { 'l' })",
      "n:inc(1, { l = ('x'):rep(62) .. '\\195\\169' })")
    p:get("/")
    shows('app_total{l="' .. ("x"):rep(62) .. '"} 1\n')
  end)

  it("adds up what the workers have", function()
    p = assert(program.start {
      config = "[upstream db]\nprotocol = tcp\npolicy = ${dir}/lua/p.lua\n"
        .. "server one = 127.0.0.1:1\n",
      lua = { ["p.lua"] = "local m = require('moongate').metric\n"
        .. "local n = m.counter('app_picks_total', 'Picks.', { 'who' })\n"
        .. "local g = m.gauge('app_open', 'Open.')\n"
        .. "return { pick = function(flow)\n"
        .. "n:inc(1, { who = 'all' }) g:inc()\nreturn 1\nend }" },
    })
    local other = p:colleague()
    for _ = 1, 3 do
      p:pick("db")
    end
    for _ = 1, 4 do
      other:pick("db")
    end
    shows('app_picks_total{who="all"} 7\n')
    shows("app_open 7\n")
    -- Of one that dies the counts stay, and its gauges go.
    p.core.board_worker_died(p.site.board, 1)
    shows('app_picks_total{who="all"} 7\n')
    shows("app_open 3\n")
    other:stop()
  end)

  it("gives the same metric to every script that names it alike", function()
    start("local a = moongate.metric.counter('app_total', 'A.')\n"
      .. "local b = moongate.metric.counter('app_total', 'B.')",
      "a:inc() b:inc()")
    p:get("/")
    shows("# HELP app_total A.\n# TYPE app_total counter\napp_total 2\n")
  end)

  for call, reason in pairs {
    ["gauge('app_total', 'Other.')"] =
      "a metric of this name has another kind, other labels or buckets",
    ["counter('app_total', 'Other.', { 'x' })"] =
      "a metric of this name has another kind, other labels or buckets",
    ["histogram('app_h', 'Other.', nil, { 1, 2 })"] =
      "a metric of this name has another kind, other labels or buckets",
    ["counter('app_h_count', 'Other.')"] =
      "the name is that of a histogram's series",
    ["histogram('app', 'Other.')"] = "the name is that of a histogram's series",
  } do
    it("refuses " .. call .. " beside others", function()
      start("moongate.metric.counter('app_total', 'A.')\n"
        .. "moongate.metric.histogram('app_h', 'A.')\n"
        .. "moongate.metric.counter('app_sum', 'A.')\n"
        .. "local m, why = moongate.metric." .. call
        .. "\nassert(m == nil and why == \"" .. reason .. "\", why)")
    end)
  end

  it("says so and counts when there is no room for a series", function()
    start("local n = moongate.metric.counter('app_total', 'A.', { 'i' })\n"
      .. "local failed, why = 0, nil\nfor i = 1, 70 do\n"
      .. "local ok, reason = n:inc(1, { i = i })\n"
      .. "if not ok then failed, why = failed + 1, reason end\nend\n"
      .. "assert(failed == 6, failed)\n"
      .. "assert(why == 'there is no room for another series')\n"
      .. "assert(n:inc(1, { i = 64 }))\n")
    shows('app_total{i="64"} 2\n')
    shows("moongate_metric_dropped_total 6\n")
    assert.is_nil(render():find('i="65"', 1, true))
  end)

  for call, reason in pairs {
    ["m.counter()"] = "bad argument #1 to 'counter' (string expected, got nil)",
    ["m.counter('a b', 'A.')"] = "bad argument #1 to 'counter' (a name of",
    ["m.counter('moongate_x', 'A.')"] =
      "bad argument #1 to 'counter' (names that begin with 'moongate_'",
    ["m.counter('a')"] = "bad argument #2 to 'counter' (a sentence of",
    ["m.gauge('a', 'A.', 'x')"] = "bad argument #3 to 'gauge' (an array of",
    ["m.gauge('a', 'A.', { 'x', 'x' })"] =
      "bad argument #3 to 'gauge' (two labels 'x')",
    ["m.gauge('a', 'A.', { '__x' })"] = "bad argument #3 to 'gauge' ('__x'",
    ["m.histogram('a', 'A.', { 'le' })"] =
      "bad argument #3 to 'histogram' ('le' cannot",
    ["m.histogram('a', 'A.', nil, {})"] = "bad argument #4 to 'histogram'",
    ["m.histogram('a', 'A.', nil, { 2, 1 })"] =
      "bad argument #4 to 'histogram' (each bucket's bound",
    ["m.summary('a', 'A.')"] = "moongate.metric has no 'summary'",
    ["n:inc(0/0)"] = "bad argument #1 to 'inc' (0 or more expected)",
    ["n:inc(-1)"] = "bad argument #1 to 'inc' (0 or more expected)",
    ["n:set(1)"] = "a counter has no 'set'",
    ["n.inc(1)"] = "inc must be called with a colon: metric:inc(...)",
    ["n:inc(1, { x = 1 })"] = "the metric has no labels",
    ["l:inc(1)"] = "a table of labels expected, got nil",
    ["l:inc(1, { x = 0 / 0 })"] =
      "label 'x' must be a string, number or boolean, got nan",
    ["l:inc(1, {})"] = "label 'x' must be a string, number or boolean, got nil",
    ["l:inc(1, { x = 1, y = 2 })"] = "the metric has no label 'y'",
    ["h:observe()"] = "bad argument #1 to 'observe' (number expected, got nil)",
    ["n.x = 1"] = "a counter has no fields to set",
  } do
    it("raises at the line of " .. call, function()
      start("local m = moongate.metric\n"
        .. "local n = m.counter('n', 'N.')\n"
        .. "local l = m.counter('l', 'L.', { 'x' })\n"
        .. "local h = m.histogram('h', 'H.')",
        "local _ = l, h\n" .. call)
      p:get("/")
      local line = p.log[1] or ""
      assert.is_truthy(line:find("a.lua:8: " .. reason, 1, true), line)
    end)
  end

  it("is shown as JSON, too", function()
    start("local n = moongate.metric.counter('app_total', 'A.', { 'x' })\n"
      .. "local h = moongate.metric.histogram('app_h', 'H.', nil, { 1 })\n"
      .. "local d = moongate.shared('spec')",
      "n:inc(2, { x = '\"' }) h:observe(3) d:set('a', 1)")
    p:get("/")
    assert.are.same({}, p.log)
    local shown = json.decode(render(core.RENDER_JSON))
    assert.are.same({ name = "app_total", type = "counter",
      labels = { x = '"' }, value = 2 }, shown.metrics[1])
    assert.are.same({ name = "app_h", type = "histogram", labels = {},
      buckets = { { 1, 0 } }, sum = 3, count = 1 }, shown.metrics[2])
    assert.are.same({ name = "spec", entries = 1, evicted = 0, expired = 0 },
      shown.shared[1])
    shows('moongate_shared_entries{dictionary="spec"} 1\n')
  end)
end)
