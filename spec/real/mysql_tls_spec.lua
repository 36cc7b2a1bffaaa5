--- TLS between real clients, Moongate and a real MariaDB: on either leg, on
-- both, on none; and what becomes of those that cannot agree.
local folder = require "support.folder"
local galera = require "support.galera"
local json = require "dkjson"
local lfs = require "lfs"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"
local process = require "support.process"
local tls = require "support.tls"

local ASAN = moongate.build():find("asan", 1, true)
local CLEAN = { LD_PRELOAD = false, ASAN_OPTIONS = false }

local CONFIG = [[
  [upstream db]
  protocol = mysql
  %s
  server db1 = 127.0.0.1:${port_db1} %s
  [mysql db]
  listen = 127.0.0.1:${port_mysql} %s
  upstream = db
  connect_timeout = 2s
  header_timeout = 3s
  script = who.lua
  access_log = json
  log_to = file:${dir}/access.log
]]

-- Notes whether a login came by TLS.
local SCRIPT = [[
  local moongate = require "moongate"
  return { login = function(login)
    moongate.log.info("login by tls: " .. tostring(login.tls))
  end }
]]

-- What Go has compiled; it takes a minute without.
local GO_CACHE = lfs.currentdir() .. "/build/cache/go"

local GO = [[
package main

import (
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"fmt"
	"os"

	"github.com/go-sql-driver/mysql"
)

func main() {
	pem, err := os.ReadFile(os.Args[2])
	pool := x509.NewCertPool()
	if err != nil || !pool.AppendCertsFromPEM(pem) {
		panic("no certificate")
	}
	mysql.RegisterTLSConfig("ours", &tls.Config{
		RootCAs: pool, ServerName: "localhost"})
	db, err := sql.Open("mysql",
		"app:app@tcp(127.0.0.1:"+os.Args[1]+")/app?tls=ours")
	var number int
	if err == nil {
		err = db.QueryRow("SELECT ? + 1", 41).Scan(&number)
	}
	if err != nil {
		panic(err)
	}
	var ciphered string
	err = db.QueryRow("SELECT variable_value <> '' FROM " +
		"information_schema.session_status " +
		"WHERE variable_name = 'Ssl_cipher'").Scan(&ciphered)
	fmt.Print(number, " ", ciphered)
}
]]

local REQUEST_LEN = 36  -- bytes of a request for TLS

local LISTEN = "tls certificate=good.crt key=good.key"


describe("TLS in MySQL", function()
  local place, pki, cluster, node, m

  setup(function()
    place = folder.make()
    pki = tls.make()
    pki:sign("good", "DNS:localhost,IP:127.0.0.1")
    pki:sign("other", "DNS:other.test")
    pki:sign("expired", "IP:127.0.0.1", 0)
    for _, name in ipairs { "ca.crt", "good.crt", "good.key" } do
      process.run { "install", "-m", "644", pki:file(name),
        place .. "/" .. name }
    end
    process.run { "chmod", "755", place }
    cluster = galera.start {
      folder = place, nodes = 1, args = {
        "--ssl-ca=" .. place .. "/ca.crt", "--ssl-cert=" .. place
          .. "/good.crt", "--ssl-key=" .. place .. "/good.key",
      },
    }
    node = cluster.nodes[1]
    node:sql("CREATE USER safe@'%' IDENTIFIED BY 'app' REQUIRE SSL;"
      .. "GRANT ALL ON app.* TO safe@'%'")
  end)

  teardown(function()
    if cluster then
      cluster:stop()
    end
    pki:remove()
    folder.remove(place)
  end)

  after_each(moongate.finish)

  local function start(server, listen, check)
    local files = { ["lua/who.lua"] = SCRIPT }
    for _, name in ipairs { "good", "other", "expired" } do
      for _, ext in ipairs { ".crt", ".key" } do
        files[name .. ext] = folder.read(pki:file(name .. ext))
      end
    end
    files["ca.crt"] = pki.ca
    m = moongate.start {
      config = CONFIG:format(check or "", server, listen), workers = 1,
      ports = { db1 = node.port }, files = files,
    }
    return m
  end

  -- Runs SQL through the mariadb client: what it says, or nil and why not.
  local function query(sql, user, ssl)
    local status, text = process.run({
      "mariadb", "--no-defaults", "--protocol=tcp", "--host=127.0.0.1",
      "--port=" .. m.port.mysql, "--user=" .. (user or "app"),
      "--password=app", ssl, "--batch", "--skip-column-names",
      "--execute=" .. sql, "app",
    }, { env = CLEAN })
    text = text:gsub("\n$", "")
    if status ~= 0 then
      return nil, text
    end
    return text
  end

  local function verified()
    return "--ssl-ca=" .. place .. "/ca.crt"
  end

  local CIPHER = "SELECT variable_value <> '' FROM "
    .. "information_schema.session_status WHERE variable_name = 'Ssl_cipher'"

  for _, case in ipairs {
    { "both legs", "tls verify=ca.crt", LISTEN, true, "1" },
    { "the client's leg", "", LISTEN, true, "0" },
    { "the server's leg", "tls verify=ca.crt", "", false, "1" },
    { "the server's leg, whoever it is", "tls verify=off", LISTEN, false,
      "1" },
    { "no leg", "", LISTEN, false, "0" },
  } do
    local what, server, listen, by_tls, ciphered = unpack(case)
    it("is on " .. what, function()
      start(server, listen)
      local arg = by_tls and verified() or "--skip-ssl"
      assert.are.equal(ciphered, query(CIPHER, "app", arg))
      local big = "SELECT LENGTH(REPEAT('x', 5000000)), REPEAT('y', 3000000)"
      local said, why = query(big, "app", arg)
      assert.are.equal("5000000\t" .. ("y"):rep(3000000), said, why)
      local long = "SELECT LENGTH('" .. ("z"):rep(100000) .. "')"
      assert.are.equal("100000", query(long, "app", arg))
      local _, refused = query("SELECT 1", "nobody", arg)
      assert.is_truthy(refused:find("(28000)", 1, true), refused)
      m:wait_log("login by tls: " .. tostring(by_tls))
      assert.is_nil(m:log():find("login by tls: " .. tostring(not by_tls), 1,
        true))
      for _, line in ipairs(m:records("access.log", 4)) do
        assert.are.equal("--", json.decode(line).term, line)
      end
    end)
  end

  it("on the server's leg is what a user may require", function()
    start("tls verify=ca.crt", "")
    assert.are.equal("safe", (query("SELECT USER()", "safe", "--skip-ssl")
      or ""):match("^[^@]+"))
    moongate.finish()
    start("", LISTEN)
    local _, why = query("SELECT 1", "safe", verified())
    assert.is_truthy(why:find("ERROR 1045 (28000)", 1, true), why)
  end)

  it("is checked as it is used", function()
    finally(function()
      node:sql("SET GLOBAL require_secure_transport = OFF")
    end)
    node:sql("SET GLOBAL require_secure_transport = ON")
    local check = "check = galera user=check interval=200ms timeout=1s"
    start("tls verify=ca.crt", LISTEN, check)
    loop.wait_until("a check has passed", function()
      return m:server("db1").check_status == "L7OK"
    end)
    assert.are.equal("1", query(CIPHER, "app", verified()))
    moongate.finish()
    start("", LISTEN, check)
    loop.wait_until("it is down without", function()
      return m:server("db1").state == "down"
    end)
  end)

  it("changes the user", function()
    start("tls verify=ca.crt", LISTEN)
    local status, text = process.run({ "php", "-r", ([[
      $m = mysqli_init();
      $m->ssl_set(null, null, "%s/ca.crt", null, null);
      $m->real_connect("127.0.0.1", "app", "app", "app", %d, null,
        MYSQLI_CLIENT_SSL);
      for ($i = 0; $i < 3; $i++) {
        $m->change_user($i %% 2 ? "app" : "safe", "app", "app");
        echo explode("@", $m->query("SELECT USER()")->fetch_row()[0])[0], " ";
      }
      $s = $m->prepare("SELECT ? + 1");
      $n = 41;
      $s->bind_param("i", $n);
      $s->execute();
      echo $s->get_result()->fetch_row()[0];
    ]]):format(place, m.port.mysql) }, { env = CLEAN })
    assert.are.equal(0, status, text)
    assert.are.equal("safe app safe 42", text)
  end)

  it("serves PyMySQL", function()
    start("tls verify=ca.crt", LISTEN)
    local status, text = process.run({ "/usr/bin/python3", "-c", ([[
import pymysql
c = pymysql.connect(host="127.0.0.1", port=%d, user="app", password="app",
    database="app", ssl={"ca": "%s/ca.crt"})
k = c.cursor()
k.execute("SELECT 7")
print(k.fetchone()[0])
]]):format(m.port.mysql, place) }, { env = CLEAN })
    assert.are.equal(0, status, text)
    assert.are.equal("7\n", text)
  end)

  it("serves Go, which verifies", function()
    start("tls verify=ca.crt", LISTEN)
    folder.write(place .. "/tls.go", GO)
    local env = { GO111MODULE = "off", GOPATH = "/usr/share/gocode",
      GOCACHE = GO_CACHE, CGO_ENABLED = "0" }
    for name, value in pairs(CLEAN) do
      env[name] = value
    end
    local status, text = process.run({ "go", "run", place .. "/tls.go",
      tostring(m.port.mysql), place .. "/ca.crt" },
      { seconds = 240, env = env })
    assert.are.equal(0, status, text)
    assert.are.equal("42 1", text)
  end)

  it("passes untouched in passthrough", function()
    start("", "\n  handshake = passthrough")
    assert.are.equal("1", query(CIPHER, "app", verified()))
    assert.are.equal("safe", (query("SELECT USER()", "safe", verified())
      or ""):match("^[^@]+"))
    assert.are.equal("0", query(CIPHER, "app", "--skip-ssl"))
    local records = m:records("access.log", 3)
    assert.are.equal(json.null, json.decode(records[1], 1, json.null).user)
    assert.are.equal("app", json.decode(records[3]).user)
  end)

  it("hides nothing from who follows the commands", function()
    start("tls verify=ca.crt", LISTEN .. "\n  visible = on")
    assert.are.equal("1", query("DO 1; DO 2; " .. CIPHER, "app", verified()))
    local record = json.decode(m:records("access.log", 1)[1])
    assert.are.same({ "app", "app", 3, "--" }, { record.user, record.schema,
      record.queries, record.term })
  end)

  it("is refused to who asks for it where there is none", function()
    start("", "")
    local said, why = query("SELECT 1", "app", "--ssl-verify-server-cert")
    assert.is_nil(said)
    assert.is_truthy(why:find("ERROR 2026 (HY000)", 1, true), why)
  end)

  -- Between a client and Moongate: the request for TLS waits for what follows
  -- it, and both go at once.
  local function joining(port)
    return peer.serve(function(connection)
      local other = assert(net.connect(port))
      local back = loop.spawn("the way back", function()
        while true do
          local bytes = other:receive_some(65536)
          if not bytes or not connection:send(bytes) then
            return connection:shutdown()
          end
        end
      end)
      local bytes = ""
      while #bytes <= REQUEST_LEN do
        bytes = bytes .. assert(connection:receive_some(65536))
      end
      while bytes and other:send(bytes) do
        bytes = connection:receive_some(65536)
      end
      other:close()
      loop.cancel(back)
    end)
  end

  it("begins with what comes behind the request", function()
    start("", LISTEN)
    local between = joining(m.port.mysql)
    local status, text = process.run({
      "mariadb", "--no-defaults", "--protocol=tcp", "--host=127.0.0.1",
      "--port=" .. between.port, "--user=app", "--password=app", verified(),
      "--batch", "--skip-column-names", "--execute=SELECT 5", "app",
    }, { env = CLEAN })
    assert.are.equal(0, status, text)
    assert.are.equal("5\n", text)
    m:wait_log("login by tls: true")
  end)

  it("may be required of clients", function()
    start("", (LISTEN:gsub("^tls", "tls=required")))
    assert.are.equal("1", query("SELECT 1", "app", verified()))
    local _, why = query("SELECT 1", "app", "--skip-ssl")
    assert.is_truthy(why:find("ERROR 3159 (HY000): Connections without TLS",
      1, true), why)
  end)

  for _, case in ipairs {
    { "of a name that is not its own",
      "tls verify=ca.crt tls_name=other.test", "hostname mismatch" },
    { "of whom nobody trusts", "tls verify=other.crt",
      "self%-signed certificate in certificate chain" },
  } do
    it("is none with a server " .. case[1], function()
      start(case[2], "")
      local said, why = query("SELECT 1", "app", "--skip-ssl")
      assert.is_nil(said)
      assert.is_truthy(why:find("ERROR 1429 (HY000): Can't connect", 1,
        true), why)
      m:wait_log(case[3])
    end)
  end

  it("ends clients that break it off", function()
    start("", LISTEN)
    -- A request for TLS: 32 bytes of capabilities, sizes and zeros.
    local request = "\32\0\0\1\5\138\15\0\0\0\0\1\33" .. ("\0"):rep(23)
    for _, what in ipairs { "garbage in its place", "", false } do
      local socket = assert(net.connect(m.port.mysql))
      assert(socket:receive(4))
      socket:send(request)
      if what == false then
        socket:reset()
      else
        socket:send(what)
        local before = loop.now()
        while socket:receive(1) do
          assert(loop.now() - before < 30)
        end
        socket:close()
      end
    end
    assert.are.equal("1", query("SELECT 1", "app", verified()))
    local lines = m:records("access.log", 4)
    assert.are.equal("CR", json.decode(lines[1]).term, lines[1])
    assert.are.equal("cR", json.decode(lines[2]).term, lines[2])
    assert.are.equal("CR", json.decode(lines[3]).term, lines[3])
  end)

  it("leaves nothing behind, 300 times", function()
    start("tls verify=ca.crt", LISTEN)
    local code = ([[
      for ($i = 0; $i < 150; $i++) {
        $m = mysqli_init();
        $m->ssl_set(null, null, "%s/ca.crt", null, null);
        $m->real_connect("127.0.0.1", "app", "app", "app", %d, null,
          MYSQLI_CLIENT_SSL);
        $m->query("SELECT 1");
        $m->close();
      }
    ]]):format(place, m.port.mysql)
    local function round()
      local status, text = process.run({ "php", "-r", code }, { env = CLEAN })
      assert.are.equal(0, status, text)
      m:wait_active("db1", 0)
      return #process.fds(m:workers()[1]), process.rss(m:workers()[1])
    end
    local fds, rss = round()
    local fds_after, rss_after = round()
    assert.are.equal(fds, fds_after)
    -- The sanitizer keeps what was freed for a while, and finds leaks itself.
    local most = (ASAN and 256 or 2) * 1024 * 1024
    assert(rss_after - rss < most, rss_after - rss)
  end)
end)
