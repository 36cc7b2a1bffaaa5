/* SPDX-License-Identifier: MIT */
#include "script/handles.h"

#include "proxy/hook.h"
#include "proxy/http_exchange.h"
#include "script/calls.h"
#include "script/vm.h"

static int
push_new_request(struct vm *vm, struct http_exchange *exchange)
{
    union {
        const void *constant;
        struct script_request *handle;
    } request;
    int id = vm_take_id(vm);

    if (id == 0) {
        lua_pushliteral(vm->L, "no memory");
        return -1;
    }
    lua_pushvalue(vm->L, VM_NEW_REQUEST);
    lua_pushinteger(vm->L, id);
    if (vm_call(vm, 1, 1) < 0) {
        vm_give_id(vm, id);
        return -1;
    }
    request.constant = lua_topointer(vm->L, -1);
    request.handle->exchange = exchange;
    exchange->hook_data = request.handle;
    exchange->hook_ref = id;
    return 0;
}

int
handles_push_request(struct vm *vm, struct http_exchange *exchange)
{
    if (exchange->hook_ref == 0)
        return push_new_request(vm, exchange);
    lua_rawgeti(vm->L, VM_REQUESTS, exchange->hook_ref);
    return 0;
}

void
handles_set_result(struct vm *vm, const struct flow_result *result)
{
    struct script_result *out = vm->result;

    out->ok = result->ok;
    out->status = result->status;
    out->connect_ms = result->connect_ms;
    out->total_ms = result->total_ms;
    out->bytes_in = (double)result->bytes_in;
    out->bytes_out = (double)result->bytes_out;
    out->queries = (double)result->queries;
    out->transactions = (double)result->transactions;
    out->errors = (double)result->errors;
    calls_set_error(result->error);
}
