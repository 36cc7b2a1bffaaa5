--- What `moongate check` says of certificates and keys.
local folder = require "support.folder"
local moongate = require "support.moongate"
local process = require "support.process"
local tls = require "support.tls"

local CONFIG = [[
[upstream db]
protocol = mysql
server db1 = 127.0.0.1:1 %s
[mysql db]
listen = 127.0.0.1:${port_mysql} %s
upstream = db
%s
]]

local CASES = {
  { "a certificate and its key", "", "tls certificate=a.crt key=a.key" },
  { "one that is required", "", "tls=required certificate=a.crt key=a.key" },
  { "servers that are verified", "tls verify=ca.crt", "" },
  { "servers that are verified by the system", "tls", "" },
  { "servers that are not verified", "tls verify=off", "" },
  { "another one's key", "", "tls certificate=a.crt key=b.key",
    "the key is not that of the certificate" },
  { "a key with a passphrase", "", "tls certificate=a.crt key=c.key",
    "the key is not valid PEM, or has a passphrase" },
  { "a key in place of a certificate", "", "tls certificate=a.key key=a.key",
    "the certificate is not valid PEM" },
  { "a broken chain", "", "tls certificate=chain.crt key=a.key",
    "a certificate behind the first one is not valid PEM" },
  { "a certificate that has expired", "", "tls certificate=old.crt key=old.key",
    "warning: listen: certificate=" },
  { "no authority", "tls verify=a.key", "",
    "it holds no certificate in PEM" },
  { "TLS in passthrough", "", "tls certificate=a.crt key=a.key",
    "listen: tls is for handshake = switch", "handshake = passthrough" },
}


describe("moongate check", function()
  local files

  setup(function()
    local pki = tls.make()
    files = { ["ca.crt"] = pki.ca }
    for _, name in ipairs { "a", "b" } do
      pki:sign(name, "IP:127.0.0.1")
    end
    pki:sign("old", "IP:127.0.0.1", 0)
    for _, name in ipairs { "a.crt", "a.key", "b.key", "old.crt",
      "old.key" } do
      files[name] = folder.read(pki:file(name))
    end
    files["chain.crt"] = files["a.crt"] .. files["ca.crt"]:sub(1, 100) .. "\n"
    local status, text = process.run({ "openssl", "ec", "-aes128", "-passout",
      "pass:secret", "-in", pki:file("a.key"), "-out", pki:file("c.key") },
      { env = { LD_PRELOAD = false } })
    assert(status == 0, text)
    files["c.key"] = folder.read(pki:file("c.key"))
    pki:remove()
  end)

  for _, case in ipairs(CASES) do
    local what, server, listen, fault, more = unpack(case)
    it((fault and "knows " or "takes ") .. what, function()
      local m = moongate.prepare {
        config = CONFIG:format(server, listen, more or ""), files = files,
      }
      local status, text = process.run({
        moongate.build() .. "/moongate", "check", "-c", m.file,
      })
      local is_warning = fault and fault:find("^warning")
      assert.are.equal((fault and not is_warning) and 1 or 0, status, text)
      if fault then
        assert.is_truthy(text:find(fault, 1, true), text)
        assert.is_truthy(text:find("moongate%.ini:%d+: "), text)
      else
        assert.is_nil(text:find("tls", 1, true), text)
      end
      assert.is_nil(text:find("secret", 1, true), text)
      folder.remove(m.dir)
    end)
  end
end)
