-- Ends the tries at one sink. A page goes to the backup sink with all that follows it, in the same move, if there is one.
--
-- KEYS     1 the delivery  2 its steps  3 what is due at the sink  4 the sink  5 the names of sinks  6 what was given up
--          7 the backup's delivery  8 its steps  9 what is due at the backup
-- ARGV     1 the incident's id  2 the step  3 token of the lease  4 what went wrong; empty when the sink was not asked
--          5 how long the record is kept, in milliseconds  6 when a sink that is down is tried again
--          7 the sink  8 the backup sink, or nothing  9 from when on the backup may send  10 a note for who reads it there
-- Answers  0 when the lease went to another, 1 when the step was given up, 2 when the backup has it

local delivery, steps, due, sink, sinks, given_up = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local id, step, token, failure, kept, again = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6]
local name, backup, delay, note = ARGV[7], ARGV[8], ARGV[9], ARGV[10]

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

if failure ~= '' then
  redis.call('HINCRBY', sink, 'failures', 1)
  redis.call('HSETNX', sink, 'failing_since_at', now)
  redis.call('HSET', sink, 'failed_at', now, 'tried_again_at', now + again, 'error', failure)
end
if redis.call('HGET', delivery, 'token') ~= token then
  return 0
end

local function give_up()
  redis.call('ZADD', given_up, now, name .. ' ' .. id)
  redis.call('ZREMRANGEBYSCORE', given_up, '-inf', now - kept)
end

redis.call('HSET', delivery, 'tries', 0)
redis.call('HDEL', delivery, 'token', 'first_tried_at')
if step ~= 'page' then
  redis.call('LREM', steps, 1, step)
  if redis.call('EXISTS', steps) == 1 then
    redis.call('ZADD', due, now, id)
  else
    redis.call('ZREM', due, id)
    redis.call('HDEL', delivery, 'result')
    redis.call('PEXPIRE', delivery, kept)
  end
  give_up()
  return 1
end

redis.call('ZREM', due, id)
if backup == '' then
  redis.call('HSET', delivery, 'state', 'GIVEN_UP')
  redis.call('PEXPIRE', delivery, kept)
  redis.call('PEXPIRE', steps, kept)
  give_up()
  return 1
end

local backup_delivery, backup_steps, backup_due = KEYS[7], KEYS[8], KEYS[9]
local state = redis.call('HGET', backup_delivery, 'state')
if not state then
  local result = redis.call('HGET', delivery, 'result')
  redis.call('HSET', backup_delivery, 'state', 'WAITING', 'result', result, 'tries', 0)
  redis.call('ZADD', backup_due, now + delay, id)
  for _, each in ipairs(redis.call('LRANGE', steps, 0, -1)) do
    redis.call('RPUSH', backup_steps, each)
  end
  redis.call('SADD', sinks, backup)
end
if not state or state == 'WAITING' then
  redis.call('HSET', backup_delivery, 'note', note)
end
redis.call('HSET', delivery, 'state', 'HANDED_OVER')
redis.call('HDEL', delivery, 'result', 'note')
redis.call('DEL', steps)
redis.call('PEXPIRE', delivery, kept)
return 2
