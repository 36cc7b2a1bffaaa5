--- What in the text of statements binds a session to its connection.
local ffi = require "ffi"
local support = require "support.ffi"

local core = support.load("codec/mysql_words.h")

local FREE = {
  "SELECT 1", "select * from t", "(SELECT 1) UNION (SELECT 2)", "BEGIN",
  "begin work;", "COMMIT", "ROLLBACK", "START TRANSACTION READ ONLY",
  "INSERT INTO t VALUES ('a@b.example', 'x_y', 'a:b')", "UPDATE t SET a = 1",
  "SELECT @@version, @@wsrep_on", "SELECT a FROM t WHERE b = @c",
  "/* by the app */ SELECT 1", "-- a line\nSELECT 1", "# a line\nDELETE FROM t",
  "/**/SELECT/* SET */ 1", "/***/ SHOW TABLES", "CREATE TABLE t (a INT)",
  "SELECT 1; SELECT 2", "INSERT INTO t VALUES ('; so what')", "DROP TABLE t",
  "REPLACE INTO t SELECT 1", "WITH a AS (SELECT 1) SELECT * FROM a",
  "SELECT unlock_get FROM t", "EXPLAIN SELECT 1", "",
}

local BINDING = {
  "SET NAMES utf8mb4", "set @a = 1", "/*!40101 SET NAMES utf8 */",
  "/*M!100100 SET x = 1 */", "LOCK TABLES t READ", "PREPARE s FROM 'x'",
  "EXECUTE s", "FLUSH TABLES WITH READ LOCK", "HANDLER t OPEN", "CALL p()",
  "XA START 'x'", "LOAD DATA LOCAL INFILE 'x' INTO TABLE t (@a)",
  "SELECT GET_LOCK('a', 1)", "do get_lock('a', 1)", "SELECT @a := 1",
  "SELECT @a:=@a+1", "SELECT 1 INTO @a", "SELECT 1 into@a",
  "SELECT 1 INTO              @a", "SELECT 1 INTO/* x */@a",
  "CREATE TEMPORARY TABLE t (a INT)",
  "create or replace temporary table t (a int)", "/* c */ SET x = 1",
  "-- c\nSET x = 1", "BEGIN NOT ATOMIC SET @a = 1; END", "{weird}",
  "EXECUTE IMMEDIATE 'x'", "INSTALL SONAME 'x'",
}

local BINDING_BEHIND = {
  "SELECT 1; SET @a = 1", "COMMIT;SET x = 1", "SELECT 1;/* c */ CALL p()",
  "SELECT 1; CREATE TEMPORARY TABLE t (a INT)", "SELECT 1;;; USE x",
}


-- What comes of a text in pieces: a struct mysql_words.
local function scan(text, several, piece)
  local words = ffi.new("struct mysql_words")
  core.mysql_words_begin(words, several)
  for at = 1, #text, piece do
    local part = text:sub(at, at + piece - 1)
    local p, map = support.guarded(part)
    core.mysql_words_add(words, p, #part)
    assert(map)
  end
  core.mysql_words_end(words)
  return words
end


describe("mysql_words", function()
  local function each_piece(text, several, check)
    for piece = 1, #text + 1 do
      check(scan(text, several, piece),
        ("%q in pieces of %d"):format(text, piece))
    end
  end

  for _, several in ipairs { true, false } do
    it("lets go, with several statements: " .. tostring(several), function()
      for _, text in ipairs(FREE) do
        each_piece(text, several, function(words, what)
          assert.is_false(words.bound, what)
          assert.is_false(words.uses, what)
        end)
      end
    end)

    it("binds, with several statements: " .. tostring(several), function()
      for _, text in ipairs(BINDING) do
        each_piece(text, several, function(words, what)
          assert.is_true(words.bound, what)
          assert.is_false(words.uses, what)
        end)
      end
    end)
  end

  it("binds by a later statement, where there can be one", function()
    for _, text in ipairs(BINDING_BEHIND) do
      each_piece(text, true, function(words, what)
        assert.is_true(words.bound, what)
      end)
      assert.is_false(scan(text, false, 1000).bound, text)
    end
  end)

  it("finds USE, in a session that is bound as well", function()
    for _, text in ipairs { "USE x", "use`x`", "/* c */ USE x",
        "SELECT 1;USE x",
        "SET @a = 1; -- c\n USE x", "/*!99 USE x */" } do
      each_piece(text, true, function(words, what)
        assert.is_true(words.bound, what)
        assert.is_true(words.uses, what)
      end)
    end
  end)

  it("stays bound over commands", function()
    local words = scan("SET x = 1", true, 100)
    core.mysql_words_begin(words, true)
    core.mysql_words_add(words, support.guarded("SELECT 1"), 8)
    core.mysql_words_end(words)
    assert.is_true(words.bound)
  end)

  it("is not slow on a long text", function()
    local text = "INSERT INTO t VALUES ('" .. ("a_b; "):rep(400000) .. "')"
    assert.is_false(scan(text, true, 16384).bound)
  end)
end)
