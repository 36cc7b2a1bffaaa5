--- The ways by which MySQL's clients go through the program to one server: a
-- section for each, on the port of its name, and the server's port is db1.
return {
  NAMES = { "switch", "visible", "passthrough" },
  CONFIG = [[
  [upstream db]
  protocol = mysql
  server db1 = 127.0.0.1:${port_db1}
  [mysql switch]
  listen = 127.0.0.1:${port_switch}
  upstream = db
  access_log = off
  [mysql visible]
  listen = 127.0.0.1:${port_visible}
  upstream = db
  visible = on
  access_log = off
  [mysql passthrough]
  listen = 127.0.0.1:${port_passthrough}
  upstream = db
  handshake = passthrough
  access_log = off
]],
}
