--- Handshakes as real servers and clients said them, by the payloads of their
-- packets: captured ones, and the examples of the manuals.
local _M = {}

--- What servers greeted with.
_M.greetings = {
  -- MySQL 5.5.2, the manual's example; no plugins
  mysql_55 = "\0105.5.2-m2\0\11\0\0\0dvH@I-CJ\0\255\247\8\2" .. ("\0"):rep(14)
    .. "*4d|cZwk4^]:\0",
  -- MySQL 5.7.44
  mysql_57 = "\0105.7.44\0\238\8\0\0emP\127\31\25,2\0\255\255\8\2\0\255\193"
    .. "\21" .. ("\0"):rep(10) .. "%g\0299@\27lzf/jb\0mysql_native_password\0",
  -- MySQL 8.0.33
  mysql_80 = "\0108.0.33\0\10\0\0\0zu2\22hE\28|\0\255\255\255\2\0\255\223\21"
    .. ("\0"):rep(10) .. "\2#\5\0046p\22Tu'Bg\0caching_sha2_password\0",
  -- MariaDB 10.11.19 of Debian 12
  mariadb_10 = "\0105.5.5-10.11.19-MariaDB-0+deb12u1\0\9\0\0\0PnYQi>7:\0"
    .. "\254\247\8\2\0\255\129\21\0\0\0\0\0\0\29\0\0\0\\CxTz*_!&9-r\0"
    .. "mysql_native_password\0",
  -- MariaDB 11.4, written by its manual: no prefix, BULK_UNIT_RESULTS
  mariadb_11 = "\01011.4.4-MariaDB-ubu2404\0\7\0\0\0abcdefgh\0"
    .. "\254\255\45\2\0\255\161\21\0\0\0\0\0\0\61\0\0\0ijklmnopqrst\0"
    .. "mysql_native_password\0",
}

--- What clients answered.  Those that were captured here met a scripted server:
-- MariaDB's greeting, or MySQL 8's where the name ends so.  User "app", schema
-- "shop", password "secret".
_M.logins = {
  -- MySQL 5.5.8's client, the manual's example
  mysql_55 = "\141\166\15\0\0\0\0\1\8" .. ("\0"):rep(23)
    .. "pam\0\20\171\9\238\246\188\1772>a\0208e\192\153\29\149}u\212Gt"
    .. "est\0mysql_native_password\0",
  -- MySQL 5.6.6's, the manual's example
  mysql_56 = "\133\162\30\0\0\0\0@\8" .. ("\0"):rep(23)
    .. "root\0\20\"Py\162\18\212\232\130\229\179\244\26\151uk\200\190"
    .. "\219\159\128mysql_native_password\0a\3_os\9debian6.0\12_client"
    .. "_name\8libmysql\4_pid\00522344\15_client_version\0085.6.6-m9\9"
    .. "_platform\6x86_64\3foo\3bar",
  -- mysql of MySQL 5.7.23
  mysql_57 = "\13\166\255\1\0\0\0\1!" .. ("\0"):rep(23)
    .. "root\0\20E\152\206\225\19\250\229\2277\159\199:a\161~\1983sW"
    .. "\24testdb\0mysql_native_password\0i\3_os\8osx10.13\12_client_n"
    .. "ame\8libmysql\4_pid\00516703\15_client_version\0065.7.23\9_pla"
    .. "tform\6x86_64\12program_name\5mysql",
  -- mysql of MySQL 8.0.32; the name of its os_user is another
  mysql_80 = "\141\166\255\25\0\0\0\1\255" .. ("\0"):rep(23)
    .. "root\0 \243\2327\175\211\24\186\215V\1483\229\134B\16\5\226"
    .. "\178=\254\201B\251\149\220\215\130\218d?\182\199mysql\0caching"
    .. "_sha2_password\0\127\3_os\9macos13.0\9_platform\5arm64\15_clie"
    .. "nt_version\0068.0.32\12_client_name\8libmysql\4_pid\00528742\7"
    .. "os_user\13administrator\12program_name\5mysql",
  -- A client before 4.1, the manual's example
  old = "\133$\0\0\0old\0GDSCQYR_",
  -- mariadb 10.11.19 (Connector/C 3.3.20)
  mariadb = "\140\162\191\0\0\0\16\0!" .. ("\0"):rep(19)
    .. "\29\0\0\0app\0\20\160}\235\136L\144u\133\162\187\204\216a\169f"
    .. "D\196\181\252Xshop\0mysql_native_password\0~\3_os\5Linux\12_cl"
    .. "ient_name\10libmariadb\4_pid\0048555\15_client_version\0063.3."
    .. "20\9_platform\6x86_64\12program_name\5mysql\12_server_host\009"
    .. "127.0.0.1",
  mariadb_to_mysql_80 = "\141\162\191\0\0\0\16\0!" .. ("\0"):rep(23)
    .. "app\0 D\129\240,l\206\255\217K0\140G\158\18\145\150\253\145\7"
    .. "\140\209\160\229>\9\10a\231B\2241\240shop\0caching_sha2_passwo"
    .. "rd\0~\3_os\5Linux\12_client_name\10libmariadb\4_pid\0048609\15"
    .. "_client_version\0063.3.20\9_platform\6x86_64\12program_name\5m"
    .. "ysql\12_server_host\009127.0.0.1",
  -- PHP 8.2's mysqli (mysqlnd); pdo_mysql differs in one capability
  mysqli = "\141\162\26\0\0\0\0\192\8" .. ("\0"):rep(23)
    .. "app\0\20\160}\235\136L\144u\133\162\187\204\216a\169fD\196\181"
    .. "\252Xshop\0mysql_native_password\0,\12_client_name\7mysqlnd\12"
    .. "_server_host\009127.0.0.1",
  -- sysbench 1.0.20
  sysbench = "\140\162\191\0\0\0\16\0-" .. ("\0"):rep(19)
    .. "\29\0\0\0app\0\20\160}\235\136L\144u\133\162\187\204\216a\169f"
    .. "D\196\181\252Xshop\0mysql_native_password\0k\3_os\5Linux\12_cl"
    .. "ient_name\10libmariadb\4_pid\0048558\15_client_version\0063.3."
    .. "20\9_platform\6x86_64\12_server_host\009127.0.0.1",
  -- PyMySQL 1.0.2
  pymysql = "\13\162:\0\255\255\255\0-" .. ("\0"):rep(23)
    .. "app\0\20\160}\235\136L\144u\133\162\187\204\216a\169fD\196\181"
    .. "\252Xshop\0mysql_native_password\0005\12_client_name\7pymysql"
    .. "\4_pid\0048560\15_client_version\0051.0.2",
  -- Node.js: mysql2 3.24.6, mariadb 3.5.4, mysql 2.18.1
  mysql2_to_mysql_80 = "\207\243\186\24\0\0\0\0\224" .. ("\0"):rep(23)
    .. "app\0 D\129\240,l\206\255\217K0\140G\158\18\145\150\253\145\7"
    .. "\140\209\160\229>\9\10a\231B\2241\240shop\0caching_sha2_passwo"
    .. "rd\0001\12_client_name\12Node-MySQL-2\15_client_version\0063.2"
    .. "4.6",
  node_mariadb = "\10\163\190\1\0\0\0@\224" .. ("\0"):rep(19)
    .. "\28\0\0\0app\0\20\160}\235\136L\144u\133\162\187\204\216a\169f"
    .. "D\196\181\252Xshop\0mysql_native_password\0\252j\0\12_client_n"
    .. "ame\22MariaDB connector/Node\15_client_version\0053.5.4\3_os\5"
    .. "linux\12_client_host\2vm\13_node_version\00720.20.2",
  node_mysql = "\207\243\6\0\0\0\0\0!" .. ("\0"):rep(23)
    .. "app\0\20\160}\235\136L\144u\133\162\187\204\216a\169fD\196\181"
    .. "\252Xshop\0",
}

--- How mariadb 10.11.19 asks a server of MySQL 8 for TLS.
_M.tls_request = "\141\170\191\0\0\0\16\0!" .. ("\0"):rep(23)

--- COM_CHANGE_USER to user "other", password "pw" and schema "db2", and what
-- the session's login had settled.
_M.changes = {
  mysqli = { capabilities = 0x001aa28d,
    payload = "\17other\0\20\187\141\190\209\26\240\161@\135(0\133Z\11\158\23"
    .. "\138\0\196\230db2\0\8\0mysql_native_password\0,\12_client_name"
    .. "\7mysqlnd\12_server_host\009127.0.0.1" },
  mysql2 = { capabilities = 0x08baf3ce,
    payload = "\17other\0\20\187\141\190\209\26\240\161@\135(0\133Z\11\158\23"
    .. "\138\0\196\230db2\0\224\0mysql_native_password\0\0" },
  node_mariadb = { capabilities = 0x01bea30a,
    payload = "\17other\0\20\187\141\190\209\26\240\161@\135(0\133Z\11\158\23"
    .. "\138\0\196\230db2\0-\0mysql_native_password\0\252P\0\12_client"
    .. "_name\22MariaDB connector/Node\15_client_version\0053.5.4\13_n"
    .. "ode_version\00720.20.2" },
  node_mysql = { capabilities = 0x0006f3cf,
    payload = "\17other\0\20\187\141\190\209\26\240\161@\135(0\133Z\11\158\23"
    .. "\138\0\196\230db2\0!\0" },
}


return _M
