--- What passwords are compared with: hashes that the tools of the system make,
-- and what is taken for the costlier of two.
local ffi = require "ffi"
local process = require "support.process"
local support = require "support.ffi"

local core = support.load("net/htpasswd.h")

local PASSWORD = "abc123456"
local ROUNDS = 3
local SURE = 3  -- times as long: no chance of the measurement
local MAKERS = {
  apr1 = { "htpasswd", "-nbm", "u", PASSWORD },
  sha1 = { "htpasswd", "-nbs", "u", PASSWORD },
  bcrypt_4 = { "htpasswd", "-nbBC", "4", "u", PASSWORD },
  bcrypt_9 = { "htpasswd", "-nbBC", "9", "u", PASSWORD },
  bcrypt_11 = { "htpasswd", "-nbBC", "11", "u", PASSWORD },
  sha256 = { "mkpasswd", "-m", "sha256crypt", PASSWORD },
  sha512 = { "mkpasswd", "-m", "sha512crypt", PASSWORD },
  sha512_many = { "mkpasswd", "-m", "sha512crypt", "-R", "200000", PASSWORD },
  yescrypt = { "mkpasswd", "-m", "yescrypt", PASSWORD },
  yescrypt_1 = { "mkpasswd", "-m", "yescrypt", "-R", "1", PASSWORD },
}


local function str(text)
  return ffi.new("struct str", text, #text)
end


local function cost_us(text)
  return tonumber(core.htpasswd_cost_us(str(text)))
end


describe("a password", function()
  local hashes = {}

  setup(function()
    for name, argv in pairs(MAKERS) do
      local status, text = process.run(argv)
      assert(status == 0, text)
      hashes[name] = text:match("[^\n]+"):gsub("^u:", "")
    end
  end)

  it("is told from others by each kind of hash, and none breaks it", function()
    for name, hash in pairs(hashes) do
      assert.is_true(core.htpasswd_matches(str(hash), str(PASSWORD)), name)
      assert.is_false(core.htpasswd_matches(str(hash), str("abc12345")), name)
      assert.is_false(core.htpasswd_matches(str(hash), str("")), name)
      for len = 1, #hash - 1, 7 do
        assert.is_false(core.htpasswd_matches(str(hash:sub(1, len)),
          str(PASSWORD)), name .. " " .. len)
        assert.is_true(cost_us(hash:sub(1, len)) >= 1)
      end
    end
  end)

  it("costs more by the hash that takes longer", function()
    local took = {}
    for name, hash in pairs(hashes) do
      took[name] = math.huge
      for _ = 1, ROUNDS do
        local from = os.clock()
        core.htpasswd_matches(str(hash), str(PASSWORD))
        took[name] = math.min(took[name], os.clock() - from)
      end
    end
    for a, hash in pairs(hashes) do
      for b, other in pairs(hashes) do
        if took[a] > took[b] * SURE then
          assert.is_true(cost_us(hash) > cost_us(other), ("%s: %g s, %d us; "
            .. "%s: %g s, %d us"):format(a, took[a], cost_us(hash), b, took[b],
            cost_us(other)))
        end
      end
    end
    assert.are.equal(1, cost_us("words"))
    assert.are.equal(cost_us("$2y$31$"), 45 * 2 ^ 31)
    assert.is_true(cost_us("$7$other") > cost_us(hashes.sha512))
  end)
end)
