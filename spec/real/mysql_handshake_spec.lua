--- The handshake of real clients with a real MariaDB through a relay that is
-- made of the codec: every packet of a login is read, written anew and taken.
local folder = require "support.folder"
local galera = require "support.galera"
local loop = require "support.loop"
local net = require "support.net"
local process = require "support.process"
local relay = require "support.mysql_relay"

local CLEAN = { LD_PRELOAD = false, ASAN_OPTIONS = false }
local COM_QUERY, COM_CHANGE_USER, COM_QUIT = 0x3, 0x11, 0x1
local FULL = 0xffffff

local USERS = [[
  INSTALL SONAME 'auth_ed25519';
  CREATE USER ed@'%' IDENTIFIED VIA ed25519 USING PASSWORD('secret');
  GRANT ALL ON app.* TO ed@'%';
  SET GLOBAL max_allowed_packet = 67108864;
]]


local function run(argv, stdin)
  return process.run(argv, { env = CLEAN, stdin = stdin })
end


local function php(code, port)
  return run({ "php", "-d", "memory_limit=256M", "-r",
    (code:gsub("%${port}", port)) })
end


local function sysbench(port, command)
  return run({ "sysbench", "oltp_read_write", "--db-driver=mysql",
    "--mysql-host=127.0.0.1", "--mysql-port=" .. port, "--mysql-user=app",
    "--mysql-password=app", "--mysql-db=app", "--tables=1", "--table-size=10",
    "--events=5", "--time=0", command })
end


describe("a real login through the codec", function()
  local place, cluster, node

  setup(function()
    place = folder.make()
    cluster = galera.start({ folder = place, nodes = 1 })
    node = cluster.nodes[1]
    node:sql(USERS)
  end)

  teardown(function()
    if cluster then
      cluster:stop()
    end
    folder.remove(place)
  end)

  after_each(function()
    loop.clear()
    net.close_all()
  end)

  -- What the one session of a relay has seen; its packets were written as they
  -- had come.
  local function only_session(middle)
    assert.are.equal(1, #middle.sessions)
    local session = middle.sessions[1]
    assert.are.equal(session.greeting.came, session.greeting.written)
    assert.are.equal(session.login.came, session.login.written)
    return session
  end

  for _, way in ipairs({ "once", "twice" }) do
    local options = { twice = way == "twice" }

    it("lets mariadb in, switched " .. way, function()
      local middle = relay.serve(node.port, options)
      assert.are.equal("app@%\tapp", assert(galera.query(middle.port,
        "SELECT CURRENT_USER(), DATABASE()")))
      local session = only_session(middle)
      assert.are.same({ "app", "app", "mysql_native_password", "mysql" },
        { session.login.user, session.login.schema, session.login.plugin,
          session.login.attributes.program_name })
      assert.are.same({ "mysql_native_password" }, session.switches)
      assert.are.equal(COM_QUIT, session.commands[#session.commands])
    end)

    it("lets a user of ed25519 in, switched " .. way, function()
      local middle = relay.serve(node.port, options)
      assert.are.equal("ed@%", assert(galera.query(middle.port,
        "SELECT CURRENT_USER()", { user = "ed", password = "secret" })))
      assert.are.same({ "client_ed25519" }, only_session(middle).switches)
    end)

    it("lets one without a password in, switched " .. way, function()
      local middle = relay.serve(node.port, options)
      assert.are.equal("check@%", assert(galera.query(middle.port,
        "SELECT CURRENT_USER()", { user = "check", password = "",
          schema = "information_schema" })))
      assert.are.equal("", only_session(middle).login.answer)
    end)

    it("gives mariadb the server's own words, switched " .. way, function()
      for _, case in ipairs({
          { "1045 (28000)", { password = "wrong" } },
          { "1045 (28000)", { user = "nobody" } },
          { "1044 (42000)", { schema = "elsewhere" } } }) do
        local middle = relay.serve(node.port, options)
        local _, direct = galera.query(node.port, "SELECT 1", case[2])
        local _, said = galera.query(middle.port, "SELECT 1", case[2])
        assert.are.equal(direct, said)
        assert.is_truthy(said:find(case[1], 1, true), said)
      end
    end)

    it("lets mysqli in and change the user, switched " .. way, function()
      local middle = relay.serve(node.port, options)
      local status, said = php([[
        mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
        $m = new mysqli("127.0.0.1", "app", "app", "app", ${port});
        echo $m->query("SELECT CURRENT_USER()")->fetch_row()[0], " ";
        $m->change_user("check", "", "information_schema");
        echo $m->query("SELECT CURRENT_USER()")->fetch_row()[0], " ";
        $m->change_user("app", "app", "app");
        $s = $m->prepare("SELECT DATABASE(), ?");
        $s->bind_param("s", $x); $x = "bound"; $s->execute();
        echo implode(" ", $s->get_result()->fetch_row());
      ]], middle.port)
      assert.are.same({ 0, "app@% check@% app bound" }, { status, said })
      local session = only_session(middle)
      assert.are.equal("mysqlnd", session.login.attributes._client_name)
      assert.are.same({ COM_QUERY, COM_CHANGE_USER, COM_QUERY,
        COM_CHANGE_USER }, { unpack(session.commands, 1, 4) })
      assert.are.same({ "app", "app" },
        { session.change.user, session.change.schema })
      assert.are.equal("mysqlnd", session.change.attributes._client_name)
      assert.are.equal(3, #session.switches)
    end)

    it("lets PDO in, switched " .. way, function()
      local middle = relay.serve(node.port, options)
      local status, said = php([[
        $p = new PDO("mysql:host=127.0.0.1;port=${port};dbname=app",
                     "app", "app");
        echo $p->query("SELECT CURRENT_USER()")->fetchColumn();
      ]], middle.port)
      assert.are.same({ 0, "app@%" }, { status, said })
      only_session(middle)
    end)
  end

  it("lets sysbench in, which prepares statements", function()
    local middle = relay.serve(node.port)
    for _, command in ipairs({ "prepare", "run", "cleanup" }) do
      local status, said = sysbench(middle.port, command)
      assert.are.equal(0, status, said)
    end
    for _, session in ipairs(middle.sessions) do
      assert.are.equal(session.login.came, session.login.written)
      assert.are.equal("app", session.login.user)
      assert.is_true(session.answers > 0)
    end
  end)

  it("follows a row of more than 16 MiB", function()
    local middle = relay.serve(node.port)
    local status, said = php([[
      mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
      $m = new mysqli("127.0.0.1", "app", "app", "app", ${port});
      foreach ([16777200, 16777211, 16777212, 33554400] as $n)
        echo strlen($m->query("SELECT REPEAT('x', $n)")->fetch_row()[0]), " ";
      $long = str_repeat("y", 17 << 20);
      echo $m->query("SELECT LENGTH('$long')")->fetch_row()[0];
    ]], middle.port)
    assert.are.same({ 0, "16777200 16777211 16777212 33554400 17825792" },
      { status, said })
    local session = only_session(middle)
    assert.are.equal(FULL, session.longest)
    -- Five queries, however many packets they were, and the leave.
    assert.are.same({ COM_QUERY, COM_QUERY, COM_QUERY, COM_QUERY, COM_QUERY,
      COM_QUIT }, session.commands)
    -- A login's two answers; five of each result: count, column, EOF, row, EOF.
    assert.are.equal(2 + 5 * 5, session.answers)
  end)
end)
