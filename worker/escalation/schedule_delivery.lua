-- Notes that an incident's page is to be sent to one sink, once: a page that is noted is left as it is, whatever its end.
-- Only what it handed on may be noted anew, when whoever got it has left.
--
-- KEYS     1 the delivery  2 its steps  3 what is due at the sink  4 the names of sinks
-- ARGV     1 the sink  2 the incident's id  3 the result  4 from when on, in milliseconds from now  5 when its triage
--          ended, in milliseconds  6 '1' when what was handed on is noted anew
-- Answers  1 when it was noted now, 0 when it had been before

local delivery, steps, due, sinks = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local sink, id, result, delay, is_anew = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[6] == '1'

local may_be_anew = is_anew and redis.call('HGET', delivery, 'state') == 'HANDED_OVER'
if redis.call('EXISTS', delivery) == 1 and not may_be_anew then
  return 0
end

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

redis.call('HSET', delivery, 'state', 'WAITING', 'result', result, 'tries', 0, 'finished_at', ARGV[5])
redis.call('HDEL', delivery, 'token', 'first_tried_at', 'handed_to')
redis.call('PERSIST', delivery)
redis.call('DEL', steps)
redis.call('RPUSH', steps, 'page')
redis.call('ZADD', due, now + delay, id)
if delay > 0 then
  redis.call('SADD', due .. ':held', id)
end
redis.call('SADD', sinks, sink)
return 1
