--- A client by TLS says its password as it is where it is asked for, since its
-- own connection hides it: to a server without TLS that may not go on. PHP's
-- mysqli, and a scripted server.
local folder = require "support.folder"
local loop = require "support.loop"
local moongate = require "support.moongate"
local mysql = require "support.mysql"
local peer = require "support.peer"
local process = require "support.process"
local tls = require "support.tls"

local CHALLENGE = "01234567890123456789\0"
local NATIVE = "mysql_native_password"
local PASSWORD = "open sesame"

local CONFIG = [[
  [upstream db]
  protocol = mysql
  retries = 0
  server s1 = 127.0.0.1:${port_s1}
  [mysql db]
  listen = 127.0.0.1:${port_db} tls certificate=good.crt key=good.key
  upstream = db
  visible = %s
  access_log = off
]]

local CODE = [[
  mysqli_report(MYSQLI_REPORT_OFF);
  $m = mysqli_init();
  $m->ssl_set(null, null, "%s", null, null);
  if (!$m->real_connect("127.0.0.1", "app", "%s", null, %d, null,
      MYSQLI_CLIENT_SSL))
    die($m->connect_errno . " " . $m->connect_error);
  echo "in ";
  echo $m->change_user("other", "%s", null) ? "changed" : "refused";
]]


describe("a password by TLS", function()
  local pki, m, heard

  setup(function()
    pki = tls.make()
    pki:sign("good", "DNS:localhost,IP:127.0.0.1")
  end)

  teardown(function()
    pki:remove()
  end)

  after_each(moongate.finish)

  local function hear(connection)
    local payload, sequence = mysql.receive(connection)
    heard[#heard + 1] = payload
    return payload, sequence
  end

  local function start(visible, serve)
    heard = {}
    m = moongate.start {
      config = CONFIG:format(visible), workers = 1,
      ports = { s1 = peer.serve(function(connection)
        connection:send(mysql.greeting8())
        hear(connection)
        serve(connection)
        repeat
          local payload = hear(connection)
        until not payload
      end).port },
      files = {
        ["good.crt"] = folder.read(pki:file("good.crt")),
        ["good.key"] = folder.read(pki:file("good.key")),
      },
    }
  end

  local function try()
    local _, said = process.run({ "php", "-r", CODE:format(pki:file("ca.crt"),
      PASSWORD, m.port.db, PASSWORD) },
      { env = { LD_PRELOAD = false, ASAN_OPTIONS = false } })
    for _, payload in ipairs(heard) do
      assert.is_nil(payload:find(PASSWORD, 1, true))
    end
    return said
  end

  it("does not go on to sha256_password", function()
    start("off", function(connection)
      connection:send(mysql.switch(2, "sha256_password", CHALLENGE))
    end)
    local said = try()
    assert(said:find("The server asks for the whole password", 1, true), said)
  end)

  for _, case in ipairs {
    { "off", "" }, { "on", "" }, { "off", ", asked for in pieces", 5 },
    { "on", ", asked for in pieces", 5 },
  } do
    local visible, how, cut = unpack(case)
    it("does not go on in a change of user, visible = " .. visible .. how,
       function()
      start(visible, function(connection)
        connection:send(mysql.switch(2, NATIVE, CHALLENGE))
        hear(connection)
        connection:send(mysql.ok(4))
        hear(connection)
        connection:send(mysql.switch(1, "caching_sha2_password", CHALLENGE))
        local _, sequence = hear(connection)
        local question = mysql.packet(sequence + 1, "\1\4")
        connection:send(question:sub(1, cut or -1))
        if cut then
          loop.watch(0.2)
          connection:send(question:sub(cut + 1))
        end
      end)
      local said = try()
      assert(said:find("in refused", 1, true), said)
      m:wait_log("asks for the whole password")
    end)
  end
end)
