-- Records that a sink said yes to one step. A yes is a fact: it is recorded, whoever has the lease by now.
--
-- A page that was given up meanwhile has arrived then. One that stays given up keeps what it takes to send it on retry.
-- Where nothing is left that no sink took, nothing is counted as such.
--
-- KEYS     1 the delivery  2 its steps  3 what is due at the sink  4 the sink  5 what was given up
-- ARGV     1 the incident's id  2 the step  3 token of the lease  4 how long the record is kept, in milliseconds
--          5 '1' when the sink was sent it; else there was nothing to show, which says nothing of how the sink is
--          6 the sink
-- Answers  1 when it was recorded now, 0 when another had done so

local delivery, steps, due, sink, given_up = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local id, step, token, kept, is_sent, name = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5] == '1', ARGV[6]

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

if is_sent then
  redis.call('HDEL', sink, 'failures', 'failing_since_at', 'failed_at', 'tried_again_at', 'error')
end
local is_given_up = redis.call('HGET', delivery, 'state') == 'GIVEN_UP'
if redis.call('LREM', steps, 1, step) == 0 and not (is_given_up and step == 'page') then
  return 0
end

-- Of resolving and opening again the last counts: an earlier one that was given up must not come after it.
local MOVES = { acknowledge = true, resolve = true, reopen = true }
local left = steps .. ':left'
local function move_of(each)
  return each ~= 'page' and MOVES[cjson.decode(each).action] or false
end
if step == 'page' then
  redis.call('HSET', delivery, 'state', 'DELIVERED', 'delivered_at', now)
  is_given_up = false
elseif redis.call('EXISTS', left) == 1 and move_of(step) then
  for _, each in ipairs(redis.call('LRANGE', left, 0, -1)) do
    if move_of(each) then
      redis.call('LREM', left, 0, each)
    end
  end
end

if not is_given_up and redis.call('EXISTS', left) == 0 then
  redis.call('ZREM', given_up, name .. ' ' .. id)
end

local is_ours = redis.call('HGET', delivery, 'token') == token
redis.call('HSET', delivery, 'tries', 0)
redis.call('HDEL', delivery, 'first_tried_at')
if is_ours then
  redis.call('HDEL', delivery, 'token')
end
if redis.call('EXISTS', steps) == 0 then
  redis.call('ZREM', due, id)
  redis.call('HDEL', delivery, 'token')
  if not is_given_up then
    redis.call('HDEL', delivery, 'note')
  end
  if not is_given_up and redis.call('EXISTS', left) == 0 then
    redis.call('HDEL', delivery, 'result')
  end
  redis.call('PEXPIRE', delivery, kept)
elseif is_ours then
  -- Another's attempt at the same step goes first, else what follows the page could arrive before it.
  redis.call('ZADD', due, now, id)
end
return 1
