/* SPDX-License-Identifier: MIT */
/*
 * The words of the statistics page, as one table: a name, and what it is in
 * each language. None has a character that HTML would take for its own.
 */
#ifndef BOARD_PAGE_WORDS_H
#define BOARD_PAGE_WORDS_H

#include "base/str.h"
#include "board/page_view.h"
#include "board/server_line.h"

#define PAGE_WORDS(X)                                                          \
    X(LANG, "en", "zh-Hans")                                                   \
    X(TITLE, "Statistics", "运行统计")                                         \
    X(SKIP, "Skip to the figures", "跳到数据")                                 \
    X(UPTIME, "up for", "已运行")                                              \
    X(USER, "logged in as", "登录用户")                                        \
    X(LIVE, "Refreshes itself every 5 seconds", "每 5 秒自动刷新")             \
    X(LOST, "No answer; the figures are old", "没有响应，数据已过时")          \
    X(STATIC, "Reload for newer figures", "刷新页面以更新数据")                \
    X(OVERVIEW, "Last 15 minutes", "最近 15 分钟")                             \
    X(SESSIONS, "Sessions", "会话")                                            \
    X(REQUESTS_S, "Requests a second", "每秒请求")                             \
    X(ERRORS_S, "Errors a second", "每秒错误")                                 \
    X(QUEUE, "Queue", "队列")                                                  \
    X(MOST, "most", "最高")                                                    \
    X(EVENTS, "Events", "事件")                                                \
    X(NO_EVENTS, "Nothing has happened yet.", "暂无事件。")                    \
    X(OLDER, "Older events", "更早的事件")                                     \
    X(LISTENERS, "Listeners", "监听")                                          \
    X(UPSTREAMS, "Upstreams", "上游")                                          \
    X(UPSTREAM, "Upstream", "上游")                                            \
    X(SCRIPTS, "Scripts", "脚本")                                              \
    X(NO_SCRIPTS, "No script is in use.", "没有使用脚本。")                    \
    X(WORKERS, "Workers", "工作进程")                                          \
    X(SECTION, "Section", "区段")                                              \
    X(SERVERS, "Servers", "服务器")                                            \
    X(SERVER, "Server", "服务器")                                              \
    X(STATUS, "Status", "状态")                                                \
    X(LAST_CHECK, "Last check", "最近检查")                                    \
    X(WEIGHT, "Weight", "权重")                                                \
    X(ROLE, "Role", "角色")                                                    \
    X(CHOSEN, "chosen", "选定")                                                \
    X(BACKUP, "backup", "备用")                                                \
    X(ACTIVE, "active", "主用")                                                \
    X(RATE, "Request rate", "请求速率")                                        \
    X(BYTES, "Bytes", "字节")                                                  \
    X(DENIED, "Denied", "拒绝")                                                \
    X(ERRORS, "Errors", "错误")                                                \
    X(WARNINGS, "Warnings", "警告")                                            \
    X(RESPONSES, "Responses", "响应")                                          \
    X(TIMES, "Times, ms", "时间（毫秒）")                                      \
    X(CURRENT, "Cur", "当前")                                                  \
    X(MAX, "Max", "最大")                                                      \
    X(LIMIT, "Limit", "上限")                                                  \
    X(TOTAL, "Total", "总计")                                                  \
    X(IN, "In", "入")                                                          \
    X(OUT, "Out", "出")                                                        \
    X(REQUEST, "Req", "请求")                                                  \
    X(CONNECTION, "Conn", "连接")                                              \
    X(RESPONSE, "Resp", "响应")                                                \
    X(RETRIES, "Retr", "重试")                                                 \
    X(REDISPATCHES, "Redis", "改派")                                           \
    X(OTHER, "other", "其他")                                                  \
    X(WAIT, "Wait", "排队")                                                    \
    X(LATENCY, "Latency", "延迟")                                              \
    X(GRAPH, "15 min", "15 分钟")                                              \
    X(CHANGE, "Change", "更改")                                                \
    X(ACTIONS, "Actions", "操作")                                              \
    X(ALL_SERVERS, "Backend", "合计")                                          \
    X(IN_SERVICE, "in service", "可用")                                        \
    X(SINCE, "for", "已持续")                                                  \
    X(AGO, "ago", "前")                                                        \
    X(UP, "up", "在线")                                                        \
    X(GOING_DOWN, "going down", "即将下线")                                    \
    X(GOING_UP, "going up", "即将上线")                                        \
    X(DOWN, "down", "下线")                                                    \
    X(DRAIN, "drain", "排空")                                                  \
    X(MAINT, "maint", "维护")                                                  \
    X(NO_CHECK, "no check", "未检查")                                          \
    X(SCRIPT, "Script", "脚本")                                                \
    X(VERSION, "Version", "版本")                                              \
    X(CALLS, "Calls", "调用")                                                  \
    X(FALLBACKS, "Fallbacks", "回退")                                          \
    X(TIME_50, "p50", "p50")                                                   \
    X(TIME_99, "p99", "p99")                                                   \
    X(TIME_MAX, "Longest", "最长")                                             \
    X(IN_USE, "in use", "使用中")                                              \
    X(QUARANTINED, "quarantined", "已隔离")                                    \
    X(UNCONFIRMED, "to be confirmed, else back to", "待确认，否则退回")        \
    X(CHANGES, "changes", "改动")                                              \
    X(WORKER, "Worker", "进程")                                                \
    X(PROCESS, "Process", "进程号")                                            \
    X(STARTED, "Uptime", "运行时间")                                           \
    X(RESTARTS, "Restarts", "重启")                                            \
    X(CONNECTIONS, "Connections", "连接")                                      \
    X(REQUESTS, "Requests", "请求")                                            \
    X(HEAP, "Script heap", "脚本内存")                                         \
    X(NOT_RUNNING, "not running", "未运行")                                    \
    X(SET_DRAIN, "Drain", "排空")                                              \
    X(SET_READY, "Ready", "启用")                                              \
    X(SET_MAINT, "Maint", "维护")                                              \
    X(SET_WEIGHT, "Set weight", "设置权重")                                    \
    X(ROLLBACK, "Roll back", "回滚")                                           \
    X(CONFIRM, "Is this what you want?", "确认操作")                           \
    X(DO_DRAIN, "No new work goes to this server; what it has may end:",       \
      "此服务器不再接收新请求，已有会话可以结束：")                            \
    X(DO_READY, "This server is put back into service:", "此服务器恢复使用：") \
    X(DO_MAINT,                                                                \
      "This server is taken out of service at once:", "此服务器立即停用：")    \
    X(DO_WEIGHT, "This server gets another weight:", "更改此服务器的权重：")   \
    X(DO_ROLLBACK,                                                             \
      "This script goes back to the version before:", "此脚本退回上一版本：")  \
    X(DO_UNKNOWN, "There is no such action.", "没有这样的操作。")              \
    X(YES, "Do it", "执行")                                                    \
    X(NO, "Back to the statistics", "返回统计页")                              \
    X(DIFF, "Changes of script", "脚本改动")                                   \
    X(DIFF_SAME, "The two versions are the same.", "两个版本相同。")           \
    X(DIFF_ONE, "No version before this one is known here; this is its text.", \
      "此处没有更早的版本，以下是全文。")                                      \
    X(DIFF_CUT, "The rest is not shown.", "其余部分未显示。")                  \
    X(LINES_OUT, "lines removed:", "删除行数：")                               \
    X(LINES_IN, "lines added:", "新增行数：")                                  \
    X(FORMATS, "The same for programs:", "程序可读格式：")

#define PAGE_WORD_NAME(name, english, chinese) WORD_##name,

enum page_word {
    PAGE_WORDS(PAGE_WORD_NAME) PAGE_WORD_COUNT,
};

/* A word in a language. */
struct str page_word(enum page_language language, enum page_word word);

/* That of a server's state. */
enum page_word page_state_word(enum server_state state);

#endif
