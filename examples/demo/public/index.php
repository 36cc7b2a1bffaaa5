<?php
// A front controller for the demo.  It reads PATH_INFO the way ThinkPHP 5
// does, /module/controller/action/key/value..., and says which node answers.

declare(strict_types=1);

const BLOCK = 65536;
const MAX_DOWNLOAD = 1 << 30;

/** What the web server said of the request, in the order it is shown. */
const SHOWN = [
    'REQUEST_METHOD', 'REQUEST_URI', 'SCRIPT_NAME', 'PATH_INFO', 'QUERY_STRING',
    'DOCUMENT_ROOT', 'SCRIPT_FILENAME', 'REMOTE_ADDR', 'SERVER_NAME',
    'SERVER_PORT', 'SERVER_PROTOCOL', 'CONTENT_TYPE', 'CONTENT_LENGTH',
];

/** Splits a path into module, controller, action and parameters. */
function route(string $path): array
{
    $words = explode('/', trim($path, '/'));
    for ($i = 0; $i < 3; $i++) {
        $words[$i] = strtolower($words[$i] ?? '') ?: 'index';
    }
    $params = [];
    for ($i = 3; $i < count($words); $i += 2) {
        $params[$words[$i]] = $words[$i + 1] ?? '';
    }
    return [...array_slice($words, 0, 3), $params];
}

function node(): string
{
    return getenv('NODE_NAME') ?: php_uname('n');
}

/** The names and values that every answer shows. */
function facts(array $route): array
{
    [$module, $controller, $action, $params] = $route;
    $facts = [
        'node' => node(),
        'route' => "$module/$controller/$action",
        'params' => json_encode((object) $params),
    ];
    foreach (SHOWN as $name) {
        $facts[$name] = $_SERVER[$name] ?? '';
    }
    return $facts;
}

function show_text(array $facts): void
{
    header('Content-Type: text/plain; charset=utf-8');
    foreach ($facts as $name => $value) {
        printf("%-16s %s\n", $name, $value);
    }
}

function show_page(array $facts): void
{
    header('Content-Type: text/html; charset=utf-8');
    $rows = '';
    foreach ($facts as $name => $value) {
        $rows .= sprintf(
            "<tr><th>%s</th><td>%s</td></tr>\n",
            htmlspecialchars($name),
            htmlspecialchars((string) $value)
        );
    }
    $node = htmlspecialchars($facts['node']);
    echo <<<HTML
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>Moongate: $node</title>
        <link rel="stylesheet" href="/style.css">
        </head>
        <body>
        <img src="/logo.png" alt="A moon gate" width="96" height="96">
        <h1>$node</h1>
        <p>Reload, and another node answers.</p>
        <table>
        $rows</table>
        </body>
        </html>

        HTML;
}

/** /index/upload/md5: the length and the checksum of the request's body. */
function upload_md5(): void
{
    $hash = hash_init('md5');
    $body = fopen('php://input', 'rb');
    $bytes = hash_update_stream($hash, $body);
    header('Content-Type: text/plain');
    printf("node %s\nbytes %d\n", node(), $bytes);
    printf("content_length %s\n", $_SERVER['CONTENT_LENGTH'] ?? '');
    printf("md5 %s\n", hash_final($hash));
}

/** /index/download/bytes/size/N: N bytes, and X-MD5 with their checksum. */
function download_bytes(array $params): void
{
    $size = filter_var($params['size'] ?? '1048576', FILTER_VALIDATE_INT, [
        'options' => ['min_range' => 0, 'max_range' => MAX_DOWNLOAD],
    ]);
    if ($size === false) {
        http_response_code(400);
        printf("size is a number up to %d\n", MAX_DOWNLOAD);
        return;
    }

    $block = '';
    for ($i = 0; strlen($block) < BLOCK; $i++) {
        $block .= pack('N', crc32("$i"));
    }
    $pieces = function () use ($block, $size) {
        for ($left = $size; $left > 0; $left -= BLOCK) {
            yield $left < BLOCK ? substr($block, 0, $left) : $block;
        }
    };
    $hash = hash_init('md5');
    foreach ($pieces() as $piece) {
        hash_update($hash, $piece);
    }
    header('Content-Type: application/octet-stream');
    header("Content-Length: $size");
    header('X-MD5: ' . hash_final($hash));
    foreach ($pieces() as $piece) {
        echo $piece;
    }
}

/** /index/echo/server: all that the web server passed on, as JSON. */
function echo_server(): void
{
    header('Content-Type: application/json');
    echo json_encode($_SERVER, JSON_PRETTY_PRINT | JSON_UNESCAPED_SLASHES), "\n";
}

/** /index/sleep/wait/ms/N: keeps this child busy for up to ten seconds. */
function wait(array $params): void
{
    usleep(1000 * max(0, min(10000, (int) ($params['ms'] ?? 0))));
    header('Content-Type: text/plain');
    printf("node %s\n", node());
}

$route = route($_SERVER['PATH_INFO'] ?? '');
[, $controller, $action, $params] = $route;
header('X-Node: ' . node());

match (true) {
    "$controller/$action" === 'upload/md5' => upload_md5(),
    "$controller/$action" === 'download/bytes' => download_bytes($params),
    "$controller/$action" === 'echo/server' => echo_server(),
    "$controller/$action" === 'sleep/wait' => wait($params),
    str_contains($_SERVER['HTTP_ACCEPT'] ?? '', 'text/html')
        => show_page(facts($route)),
    default => show_text(facts($route)),
};
