-- Records that a sink said yes to one step. A yes is a fact: it is recorded, whoever has the lease by now.
--
-- KEYS     1 the delivery  2 its steps  3 what is due at the sink  4 the sink
-- ARGV     1 the incident's id  2 the step  3 token of the lease  4 how long the record is kept, in milliseconds
-- Answers  1 when it was recorded now, 0 when another had done so

local delivery, steps, due, sink = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, step, token, kept = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

redis.call('HDEL', sink, 'failures', 'failing_since_at', 'failed_at', 'tried_again_at', 'error')
if redis.call('LREM', steps, 1, step) == 0 then
  return 0
end
if step == 'page' then
  redis.call('HSET', delivery, 'state', 'DELIVERED', 'delivered_at', now)
end
local is_ours = redis.call('HGET', delivery, 'token') == token
redis.call('HSET', delivery, 'tries', 0)
redis.call('HDEL', delivery, 'first_tried_at')
if redis.call('EXISTS', steps) == 0 then
  redis.call('ZREM', due, id)
  redis.call('HDEL', delivery, 'result', 'token', 'note')
  redis.call('PEXPIRE', delivery, kept)
elseif is_ours then
  -- Another's attempt at the same step goes first, else what follows the page could arrive before it.
  redis.call('ZADD', due, now, id)
end
return 1
