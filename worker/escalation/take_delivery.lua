-- Takes the next step that is due at a sink under a short lease, and notes the attempt before it is made.
--
-- A step whose consumer died is due again when the lease is over; its count of tries says that it may have arrived.
--
-- KEYS     1 what is due at the sink  2 the sink  3 what the member that takes has in hand
-- ARGV     1 how the keys of its deliveries begin  2 lease in milliseconds  3 token of the lease
--          4 failures in a row after which the sink is down  5 if they lasted so many milliseconds
--          6 a pause that is longer is as if the sink were down  7 how far what is urgent passes the rest, in milliseconds
--          8 how often a sink that is down is tried again, in milliseconds
-- Answers  id, step, result, note, tries, milliseconds since the first of them, milliseconds until a sink that is down or
--          pauses is tried again (0 when it is to be tried), '1' when the sink may have the page already; or nothing

local due, sink, in_hand = KEYS[1], KEYS[2], KEYS[3]
local beginning, lease, token = ARGV[1], ARGV[2], ARGV[3]
local failures_limit, down_after = tonumber(ARGV[4]), tonumber(ARGV[5])
local pause_limit, head_start, again = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local LOOKED_AT = 64

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local health = redis.call('HMGET', sink, 'paused_until', 'failures', 'failing_since_at', 'tried_again_at')
local pause = tonumber(health[1] or 0) - now
if pause > 0 and pause <= pause_limit then
  return {}
end
local is_down = tonumber(health[2] or 0) >= failures_limit and now - tonumber(health[3] or now) >= down_after
local wait = is_down and math.max(tonumber(health[4] or now) - now, 0) or 0
wait = math.max(wait, pause)

local urgent = due .. ':urgent'
for _, id in ipairs(redis.call('ZRANGEBYSCORE', urgent, '-inf', now)) do
  redis.call('ZREM', urgent, id)
  redis.call('ZADD', due, 'XX', 'LT', now - head_start, id)
end

for _, id in ipairs(redis.call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, LOOKED_AT)) do
  local delivery = beginning .. id
  local step = redis.call('LINDEX', delivery .. ':steps', 0)
  if step then
    if step == 'page' and redis.call('HEXISTS', delivery, 'token') == 1 then
      -- Whoever had it said nothing more: the sink may have the page.
      redis.call('HSET', delivery, 'doubtful', 1)
    end
    if is_down and wait == 0 then
      -- Of many that take at once one is told to try.
      redis.call('HSET', sink, 'tried_again_at', now + again)
    end
    redis.call('SREM', due .. ':held', id)
    redis.call('ZADD', due, now + lease, id)
    redis.call('HSET', delivery, 'token', token)
    redis.call('SET', in_hand, token .. ' ' .. id, 'PX', lease)
    redis.call('HDEL', delivery, 'opened_again')
    local tries = redis.call('HINCRBY', delivery, 'tries', 1)
    redis.call('HSETNX', delivery, 'first_tried_at', now)
    local kept = redis.call('HMGET', delivery, 'result', 'note', 'first_tried_at', 'doubtful')
    local age = string.format('%.0f', now - tonumber(kept[3]))
    return {id, step, kept[1] or '', kept[2] or '', tostring(tries), age, string.format('%.0f', wait), kept[4] or ''}
  end
  redis.call('ZREM', due, id)
end
return {}
