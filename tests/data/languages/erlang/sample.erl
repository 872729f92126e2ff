%% @doc A counter server.
-module(counter).
-behaviour(gen_server).

-export([start_link/1, increment/2]).
-export_type([state/0]).

-include("counter.hrl").

-define(TIMEOUT, 5000).
-define(LOG(Format, Args), io:format(Format, Args)).

-record(state, {
    count = 0 :: integer(),
    name
}).

-type state() :: #state{}.
-opaque handle() :: pid().
-callback init(Args :: term()) -> {ok, state()}.

%% @doc Starts the server.
-spec start_link(atom()) -> {ok, pid()}.
start_link(Name) ->
    gen_server:start_link({local, Name}, ?MODULE, [], []).

% Adds to the count.
increment(Pid, N) when is_integer(N), N > 0 ->
    gen_server:call(Pid, {add, N});
increment(_Pid, 0) ->
    ok.

handle_call({add, N}, _From, State = #state{count = Count}) ->
    Reply = fun(X) -> X + N end,
    {reply, Reply(Count), State#state{count = Count + N}};
handle_call(_Request, _From, State) ->
    {reply, ok, State}.

'größe'(#state{count = C}) -> C.

counter_test() ->
    ?assertEqual(1, 1).
