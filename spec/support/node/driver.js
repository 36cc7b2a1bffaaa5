// Has a driver do something with a database, and prints what came of it: one
// line of words, or "CODE NUMBER STATE WORDS" of an error.
//
//     node driver.js DRIVER ACTION PORT USER PASSWORD SCHEMA
//
// DRIVER: mysql, mysql2, mariadb.  NODE_PATH says where they are.
'use strict';

const { promisify } = require('util');

const MANY = 8;
const WHO = 'SELECT CURRENT_USER() AS u, DATABASE() AS d';

// What the drivers have in common here: each function gets a connection of its
// own driver and returns a promise.

const mysql = {
  connect: async (options) => {
    const connection = require('mysql').createConnection(options);
    await promisify(connection.connect).call(connection);
    return connection;
  },
  query: (connection, sql, values) =>
    promisify(connection.query).call(connection, sql, values),
  changeUser: (connection, options) =>
    promisify(connection.changeUser).call(connection, options),
  end: (connection) => promisify(connection.end).call(connection),
  pool: (options) => require('mysql').createPool(options),
  take: (pool) => promisify(pool.getConnection).call(pool),
};
// It has no statements prepared by the server.
mysql.prepared = mysql.query;

const mysql2 = {
  connect: (options) => require('mysql2/promise').createConnection(options),
  query: async (connection, sql, values) =>
    (await connection.query(sql, values))[0],
  prepared: async (connection, sql, values) =>
    (await connection.execute(sql, values))[0],
  changeUser: (connection, options) => connection.changeUser(options),
  end: (connection) => connection.end(),
  pool: (options) => require('mysql2/promise').createPool(options),
  take: (pool) => pool.getConnection(),
};

const mariadb = {
  connect: (options) => require('mariadb').createConnection(options),
  query: (connection, sql, values) => connection.query(sql, values),
  prepared: (connection, sql, values) => connection.execute(sql, values),
  changeUser: (connection, options) => connection.changeUser(options),
  end: (connection) => connection.end(),
  pool: (options) => require('mariadb').createPool(options),
  take: (pool) => pool.getConnection(),
};

const drivers = { mysql, mysql2, mariadb };

// The first row's values.
function words(rows) {
  return Object.values(rows[0]).map(String).join(' ');
}

const actions = {
  login: async (driver, options) => {
    const connection = await driver.connect(options);
    const said = words(await driver.query(connection, WHO));
    await driver.end(connection);
    return said;
  },

  prepared: async (driver, options) => {
    const connection = await driver.connect(options);
    const said = [];
    for (const bound of ['once', 'twice']) {
      const sql = 'SELECT DATABASE() AS d, ? AS b, ? AS n';
      said.push(words(await driver.prepared(connection, sql, [bound, 7])));
    }
    await driver.end(connection);
    return said.join(' ');
  },

  // To who is named by CHANGE_TO (USER:PASSWORD, several), and back.
  change: async (driver, options) => {
    const connection = await driver.connect(options);
    const said = [];
    for (const other of process.env.CHANGE_TO.split(' ')) {
      const [user, password] = other.split(':');
      await driver.changeUser(connection, {
        user, password, database: options.database,
      });
      said.push(words(await driver.query(connection, WHO)));
    }
    await driver.end(connection);
    return said.join(' ');
  },

  // All of a pool's connections at once.
  pool: async (driver, options) => {
    const pool = driver.pool({ ...options, connectionLimit: MANY });
    const taking = Array.from({ length: MANY }, () => driver.take(pool));
    const connections = await Promise.all(taking);
    const sql = 'SELECT CONNECTION_ID() AS id';
    const ids = new Set(await Promise.all(connections.map(
      async (connection) => words(await driver.query(connection, sql)))));
    connections.forEach((connection) => connection.release());
    await driver.end(pool);
    return `${ids.size} connections`;
  },

  statements: async (driver, options) => {
    const connection = await driver.connect({
      ...options, multipleStatements: true,
    });
    const results = await driver.query(connection,
      "SELECT 1 AS a; SELECT 'two' AS b; SELECT 3 AS c");
    await driver.end(connection);
    return results.map(words).join(' ');
  },
};

async function main([name, action, port, user, password, database]) {
  const options = {
    host: '127.0.0.1', port: Number(port), user, password, database,
    connectTimeout: 60000,
  };
  if (name === 'mariadb') {
    options.allowPublicKeyRetrieval = true;
    options.acquireTimeout = 60000;
  }
  return actions[action](drivers[name], options);
}

main(process.argv.slice(2)).then((said) => {
  process.stdout.write(said);
}, (error) => {
  // What is still connected does not matter any more.
  const { code, errno, sqlState, sqlMessage, message } = error;
  process.stdout.write([code, errno, sqlState, sqlMessage || message].join(' '));
  process.exit(1);
});
