--- Texts with variables, compiled into pieces.
local ffi = require "ffi"
local support = require "support.ffi"

local core = support.load("config/template.h", "base/arena.h")

local text = support.text


--- Compiles a text; gives "literal" and "<number>" pieces, or nil and why.
local function compile(source, phase, http)
  local arena = ffi.new("struct arena")
  local out = ffi.new("struct template")
  local why = ffi.new("char[256]")
  core.arena_init(arena, 1024)
  local str = ffi.new("struct str", source, #source)
  local result = core.template_compile(out, arena, str, phase or
                                       core.TEMPLATE_LOG, http ~= false, why,
                                       256)
  if result ~= 0 then
    core.arena_fini(arena)
    return nil, ffi.string(why)
  end
  local pieces = {}
  for i = 0, tonumber(out.piece_count) - 1 do
    local piece = out.pieces[i]
    local variable = tonumber(piece.variable)
    pieces[i + 1] = variable == 0 and text(piece.text)
      or { ffi.string(core.template_variable_info(variable).name),
           text(piece.text) }
  end
  pieces.literal = core.template_is_literal(out)
  core.arena_fini(arena)
  return pieces
end


describe("a template", function()
  it("without a variable is one literal", function()
    assert.are.same({ "a $b $", literal = true }, compile("a $b $"))
    assert.are.same({ literal = true }, compile(""))
  end)

  it("keeps the order of literals and variables", function()
    assert.are.same({ "/srv/", { "host" }, "/", { "uri" }, { "args" }, ".",
                      literal = false },
                    compile("/srv/${host}/${uri}${args}."))
  end)

  it("spells a header's name as requests are searched for it", function()
    assert.are.same({ { "log_", "My_Name" }, literal = false },
      compile("${log_My_Name}"))
    assert.are.same({ { "http_", "x-request-id" }, literal = false },
                    compile("${http_X_Request_Id}"))
  end)

  it("takes the longest text before '${' as a literal", function()
    assert.are.same({ "$", { "host" }, "$", literal = false },
                    compile("$${host}$"))
  end)

  it("refuses what is no variable, and names the nearest", function()
    local cases = {
      ["${hst}"] = "unknown variable ${hst}; did you mean 'host'?",
      ["${}"] = "unknown variable ${}",
      ["${log_}"] = "unknown variable ${log_}; did you mean 'log_'?",
      ["${log_a-b}"] = "unknown variable ${log_a-b}",
      ["${http_}"] = "unknown variable ${http_}; did you mean 'http_'?",
      ["a ${host"] = "'${' without its '}'",
      ["${http_a b}"] = "unknown variable ${http_a b}",
    }
    for source, reason in pairs(cases) do
      local _, why = compile(source)
      assert.are.equal(reason, why)
    end
  end)

  it("refuses a variable before it has a value", function()
    for phase, source in pairs({
      [core.TEMPLATE_CONNECTED] = "${host}",
      [core.TEMPLATE_REQUEST] = "${server}",
      [core.TEMPLATE_SERVER] = "${status}",
      [core.TEMPLATE_RESPONSE] = "${time_ms}",
    }) do
      local _, why = compile(source, phase)
      assert.matches("has no value here", why, 1, true)
      assert.is_not_nil(compile(source, tonumber(phase) + 1))
    end
  end)

  it("refuses variables of [http] elsewhere", function()
    local _, why = compile("${host}", core.TEMPLATE_LOG, false)
    assert.are.equal("${host} has a value in [http] only", why)
    assert.is_not_nil(compile("${remote_addr}", core.TEMPLATE_LOG, false))
  end)
end)
