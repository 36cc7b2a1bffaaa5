/* SPDX-License-Identifier: MIT */
#include "board/page_words.h"

#define PAGE_WORD_TEXTS(name, english, chinese) {english, chinese},

static const char *const texts[PAGE_WORD_COUNT][2] = {
    PAGE_WORDS(PAGE_WORD_TEXTS)};

struct str
page_word(enum page_language language, enum page_word word)
{
    return str_from(texts[word][language]);
}

enum page_word
page_state_word(enum server_state state)
{
    static const enum page_word words[SERVER_STATES] = {
        [SERVER_STATE_UP] = WORD_UP,
        [SERVER_STATE_GOING_DOWN] = WORD_GOING_DOWN,
        [SERVER_STATE_GOING_UP] = WORD_GOING_UP,
        [SERVER_STATE_DOWN] = WORD_DOWN,
        [SERVER_STATE_DRAIN] = WORD_DRAIN,
        [SERVER_STATE_MAINT] = WORD_MAINT,
        [SERVER_STATE_NO_CHECK] = WORD_NO_CHECK,
    };

    return words[state];
}
