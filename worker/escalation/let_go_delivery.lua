-- Ends the tries at one sink. A page goes to the backup sink with all that follows it, in the same move, if there is one.
--
-- A backup that let the page go itself gets it again only where it was not tried under the present routes file. Else the
-- page is given up, unless somebody has it whom the backup handed it on to: no page is with nobody and counted nowhere.
--
-- Where the sink may have the page all the same, what engineers did since is still shown there.
--
-- KEYS     1 the delivery  2 its steps  3 what is due at the sink  4 the sink  5 the names of sinks  6 what was given up
--          7 the backup's delivery  8 its steps  9 what is due at the backup
-- ARGV     1 the incident's id  2 the step  3 token of the lease  4 what went wrong; empty when the sink was not asked
--          5 how long the record is kept, in milliseconds  6 when a sink that is down is tried again
--          7 the sink  8 the backup sink, or nothing  9 from when on the backup may send  10 a note for who reads it there
--          11 which routes file  12 for how long the sink wants nothing at all  13 '1' when it may have the page all the same
--          14 '1' when the backup is to wait for its quiet hours' end
-- Answers  0 when the lease went to another, 1 when the step was given up, 2 when the backup has it

local delivery, steps, due, sink, sinks, given_up = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local backup_delivery, backup_steps, backup_due = KEYS[7], KEYS[8], KEYS[9]
local id, step, token, failure, kept, again = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6]
local name, backup, delay, note = ARGV[7], ARGV[8], ARGV[9], ARGV[10]
local tried, pause, is_doubtful, is_held = 'tried:' .. ARGV[11], tonumber(ARGV[12]), ARGV[13], ARGV[14] == '1'
local CHAIN_LIMIT = 32

local now = milliseconds_now()
note_failure(sink, now, failure, again, pause)
if not has_lease(delivery, token) then
  return 0
end

local function give_up()
  redis.call('ZADD', given_up, now, name .. ' ' .. id)
  redis.call('ZREMRANGEBYSCORE', given_up, '-inf', now - kept)
  return 1
end

redis.call('HSET', delivery, 'tries', 0)
redis.call('HDEL', delivery, 'token', 'first_tried_at')
if step ~= 'page' then
  local left = steps .. ':left'
  redis.call('LREM', steps, 1, step)
  redis.call('RPUSH', left, step)
  redis.call('PEXPIRE', left, kept)
  if redis.call('EXISTS', steps) == 1 then
    redis.call('ZADD', due, now, id)
  else
    redis.call('ZREM', due, id)
    redis.call('PEXPIRE', delivery, kept)
  end
  return give_up()
end

redis.call('ZREM', due, id)
redis.call('HSET', delivery, tried, 1)
if is_doubtful == '1' then
  redis.call('HSET', delivery, 'doubtful', 1)
end

local function is_with_somebody(last)
  local beginning = delivery:sub(1, #delivery - #name - 1 - #id)
  for _ = 1, CHAIN_LIMIT do
    local key = beginning .. last .. ':' .. id
    local at = redis.call('HMGET', key, 'state', 'handed_to')
    if key == delivery or not at[1] or at[1] == 'GIVEN_UP' then
      return false
    elseif at[1] ~= 'HANDED_OVER' then
      return true
    elseif not at[2] then
      return false
    end
    last = at[2]
  end
  return false
end

local function hand_over()
  local kept_with_it = redis.call('HMGET', delivery, 'result', 'finished_at')
  redis.call('HSET', backup_delivery, 'state', 'WAITING', 'result', kept_with_it[1], 'tries', 0,
    'finished_at', kept_with_it[2] or 0)
  redis.call('HDEL', backup_delivery, 'token', 'first_tried_at', 'handed_to')
  redis.call('PERSIST', backup_delivery)
  redis.call('ZREM', given_up, backup .. ' ' .. id)
  redis.call('DEL', backup_steps)
  for _, each in ipairs(redis.call('LRANGE', steps, 0, -1)) do
    redis.call('RPUSH', backup_steps, each)
  end
  for _, field in ipairs(redis.call('HKEYS', delivery)) do
    if field:sub(1, 8) == 'follows:' then
      redis.call('HSET', backup_delivery, field, 1)
    end
  end
  redis.call('ZADD', backup_due, now + delay, id)
  if is_held then
    redis.call('SADD', backup_due .. ':held', id)
  end
  redis.call('SADD', sinks, backup)
end

local is_taken_over = backup ~= ''
if is_taken_over then
  local state = redis.call('HGET', backup_delivery, 'state')
  local is_over = not state or state == 'HANDED_OVER' or state == 'GIVEN_UP'
  if is_over and redis.call('HSETNX', backup_delivery, tried, 1) == 1 then
    hand_over()
    state = 'WAITING'
  elseif is_over then
    is_taken_over = is_with_somebody(backup)
  end
  if state == 'WAITING' then
    redis.call('HSET', backup_delivery, 'note', note)
  end
end
redis.call('PEXPIRE', delivery, kept)
redis.call('LREM', steps, 0, 'page')
redis.call('PEXPIRE', steps, kept)
local is_shown_all_the_same = redis.call('HEXISTS', delivery, 'doubtful') == 1 and redis.call('EXISTS', steps) == 1
if is_shown_all_the_same then
  redis.call('ZADD', due, now, id)
end
if not is_taken_over then
  redis.call('HSET', delivery, 'state', 'GIVEN_UP')
  return give_up()
end

redis.call('HSET', delivery, 'state', 'HANDED_OVER', 'handed_to', backup)
redis.call('HDEL', delivery, 'note')
if not is_shown_all_the_same then
  redis.call('DEL', steps)
  redis.call('HDEL', delivery, 'result')
end
return 2
