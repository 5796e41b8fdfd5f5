-- Notes that a sink which has the page, or will have it, is to show what an engineer did, once, after all before it.
--
-- KEYS     1 the delivery  2 its steps  3 what is due at the sink
-- ARGV     1 the incident's id  2 the result  3 the step  4 what tells this step from others
-- Answers  1 when it was noted now, 0 when it had been before, or the sink has no page of it

local delivery, steps, due = KEYS[1], KEYS[2], KEYS[3]
local id, result, step, digest = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local state = redis.call('HGET', delivery, 'state')
if state ~= 'WAITING' and state ~= 'DELIVERED' then
  return 0
end
if redis.call('HSETNX', delivery, 'follows:' .. digest, 1) == 0 then
  return 0
end

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

redis.call('HSETNX', delivery, 'result', result)
redis.call('PERSIST', delivery)
if redis.call('RPUSH', steps, step) == 1 then
  redis.call('ZADD', due, now, id)
end
return 1
