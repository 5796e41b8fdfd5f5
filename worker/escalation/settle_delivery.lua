-- Ends a page that nobody needs any more: what it is about was settled before the sink said that it has it.
--
-- Where the sink may have the page all the same, what engineers did since is still shown there. What was opened again
-- after whoever has the lease looked is not settled: it is due at once, to be looked at anew.
--
-- KEYS     1 the delivery  2 its steps  3 what is due at the sink  4 what was settled
-- ARGV     1 the incident's id  2 token of the lease  3 the sink  4 how long the record is kept, in milliseconds
-- Answers  1 when it was settled, 0 when the lease went to another, or it was opened again

local delivery, steps, due, settled = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, token, name, kept = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])

if redis.call('HGET', delivery, 'token') ~= token then
  return 0
end

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

if redis.call('HEXISTS', delivery, 'opened_again') == 1 then
  redis.call('HDEL', delivery, 'token')
  if redis.call('HINCRBY', delivery, 'tries', -1) == 0 then
    redis.call('HDEL', delivery, 'first_tried_at')
  end
  redis.call('ZADD', due, now, id)
  return 0
end

redis.call('HSET', delivery, 'state', 'SETTLED', 'tries', 0)
redis.call('HDEL', delivery, 'token', 'first_tried_at', 'note')
redis.call('LREM', steps, 0, 'page')
if redis.call('HEXISTS', delivery, 'doubtful') == 1 and redis.call('EXISTS', steps) == 1 then
  redis.call('PEXPIRE', steps, kept)
  redis.call('ZADD', due, now, id)
else
  redis.call('DEL', steps)
  redis.call('ZREM', due, id)
  redis.call('HDEL', delivery, 'result')
end
redis.call('PEXPIRE', delivery, kept)
redis.call('ZADD', settled, now, name .. ' ' .. id)
redis.call('ZREMRANGEBYSCORE', settled, '-inf', now - kept)
return 1
