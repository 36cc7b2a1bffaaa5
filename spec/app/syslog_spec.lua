--- The heads of syslog messages.
local ffi = require "ffi"
local core = require("support.ffi").load("app/syslog.h", "base/clock.h")

local text = require("support.ffi").text


local function head(fields)
  local memory = ffi.new("char[256]")
  local out = ffi.new("struct buf")
  core.buf_init(out, memory, 256)
  core.clock_update()
  core.syslog_write_head(out, ffi.new("struct syslog_head", fields))
  assert.is_false(out.failed)
  return ffi.string(out.p, out.len)
end


describe("syslog heads", function()
  local LOCAL5 = 21
  local BSD, IETF = core.LOG_FORMAT_RFC3164, core.LOG_FORMAT_RFC5424

  it("have date, short host and tag in the BSD form", function()
    local line = head {
      format = BSD, facility = LOCAL5, level = core.LOG_LEVEL_INFO,
      host = "web1.example.net", pid = 4711,
    }
    local pri, date, rest = line:match("^<(%d+)>(%a%a%a [ %d]%d [%d:]+)(.*)$")
    assert.are.equal("174", pri)
    assert.are.equal(text(core.clock_rfc3164_date()), date)
    assert.are.equal(" web1 moongate[4711]: ", rest)
  end)

  it("have no host for the local daemon", function()
    local line = head {
      format = BSD, ["local"] = true, facility = LOCAL5,
      level = core.LOG_LEVEL_INFO, host = "web1", pid = 1,
    }
    assert.is_truthy(line:find("%d moongate%[1%]: $"), line)
  end)

  it("have the seven fields of the IETF form", function()
    local line = head {
      format = IETF, facility = LOCAL5, level = core.LOG_LEVEL_INFO,
      host = "web1.example.net", pid = 4711,
    }
    local date = line:match(
      "^<174>1 (%S+) web1%.example%.net moongate 4711 %- %- $")
    assert.is_truthy(date, line)
    assert.is_truthy(date:find("^%d+%-%d%d%-%d%dT[%d:]+%.%d%d%d[+-]%d%d:%d%d$"),
      date)
  end)

  local severities = {
    LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARN = 4, LOG_LEVEL_INFO = 6,
    LOG_LEVEL_DEBUG = 7,
  }
  for level, severity in pairs(severities) do
    it("say " .. level .. " as severity " .. severity, function()
      for _, facility in ipairs { 0, 3, 23 } do
        local line = head {
          format = BSD, facility = facility, level = core[level], host = "h",
          pid = 1,
        }
        assert.are.equal(facility * 8 + severity,
          tonumber(line:match("^<(%d+)>")))
      end
    end)
  end
end)
