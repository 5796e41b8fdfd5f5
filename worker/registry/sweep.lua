-- Finds open incidents that no message and no worker will bring on: lost by the broker, or left by a dead worker.
-- Each is looked at when its time in the watched set has come, so a sweep costs the same however many are open.
--
-- KEYS     1 watched incidents  2-4 the queues' lists  5 open incidents  6 up to which time of intake all are watched
-- ARGV     1 how many to look at  2 patience  3 lease (both in milliseconds)  4 prefix of incident keys
-- Answers  { id, queue key, id, queue key, ... } to be put at the head of their queues; an empty queue key stands for an
--          incident that was taken in and has no entry any more
-- A second sweeper at the same time finds nothing: what is answered here is not looked at again before its patience ends.

local watched, open_incidents, watched_up_to = KEYS[1], KEYS[5], KEYS[6]
local limit, patience, lease, prefix = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

-- When the next message of a queue was put there. Queues are first in, first out: an incident that was put there
-- before it, and is still new, is no longer there. Nothing can be said while the next message can't be read.
local function time_of_next(queue)
  local raw = redis.call('LINDEX', queue, -1)
  if not raw then
    return math.huge
  end
  if #raw > 16384 then
    return 0 -- no message of ours is so long; it is poison, and not worth reading here
  end
  local is_read, message = pcall(cjson.decode, raw)
  local id = is_read and type(message) == 'table' and type(message.headers) == 'table' and message.headers.id
  local times = type(id) == 'string' and redis.pcall('HMGET', prefix .. id, 'enqueued_at', 'accepted_at') or {}
  return tonumber(times[1] or times[2] or 0) or 0
end

local next_times = {}
for index = 2, 4 do
  next_times[KEYS[index]] = time_of_next(KEYS[index])
end

local queues = { [KEYS[2]] = true, [KEYS[3]] = true, [KEYS[4]] = true }

-- An incident is watched from when it has been open for the patience; by then most have their result. Those of one
-- millisecond come together. A time that lies ahead is that of a clock that was set back since: all is done again.
local due = now - patience
local from = tonumber(redis.pcall('GET', watched_up_to)) or 0
if from > due then
  from = 0
end
local function of_intake(first, last, ...)
  return redis.call('ZRANGEBYSCORE', open_incidents, first, last, 'WITHSCORES', ...)
end
local ripe, up_to = of_intake('(' .. from, due, 'LIMIT', 0, limit), due
if #ripe == 2 * limit then
  up_to = ripe[#ripe]
  ripe = of_intake('(' .. from, up_to)
end
for place = 1, #ripe, 2 do
  redis.call('ZADD', watched, 'NX', ripe[place + 1] + patience, ripe[place])
end
redis.call('SET', watched_up_to, up_to)

-- The watched set may have lost a member, or have one of a clock that was set back since: a few open incidents are
-- looked up each time.
for _, id in ipairs(redis.call('ZRANDMEMBER', open_incidents, 20)) do
  local score = redis.call('ZSCORE', watched, id)
  local accepted_at = tonumber(redis.call('ZSCORE', open_incidents, id))
  local is_young = accepted_at > due and accepted_at <= now
  if not score and not is_young or score and tonumber(score) > now + math.max(patience, lease) then
    local not_before = redis.pcall('HGET', prefix .. id, 'not_before')
    if type(not_before) ~= 'string' or not score or not_before ~= score then
      redis.call('ZADD', watched, now, id)
    end
  end
end

local found = {}
local function is_an_id(id)
  return #id == 24 and id:match('^inc%-%x+$')
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', watched, '-inf', now, 'LIMIT', 0, limit)) do
  local entry = redis.pcall('HMGET', prefix .. id, 'state', 'lease_until', 'queue', 'enqueued_at', 'accepted_at')
  local state, lease_until = entry[1] or entry[5] and 'NEW', tonumber(entry[2] or 0) or 0
  local enqueued_at = tonumber(entry[4] or entry[5] or 0) or 0
  local queue = queues[entry[3]] and entry[3] or KEYS[3]
  if not is_an_id(id) then
    -- Nobody of ours has written this; left alone it would come up for ever.
    redis.call('ZREM', watched, id)
    redis.call('ZREM', open_incidents, id)
  elseif state == 'CLAIMED' and lease_until > now and lease_until <= now + lease then
    redis.call('ZADD', watched, lease_until, id)
  elseif state == 'CLAIMED' or (state == 'NEW' and enqueued_at < (next_times[queue] or math.huge)) then
    redis.call('ZADD', watched, now + patience, id)
    found[#found + 1] = id
    found[#found + 1] = queue
  elseif state == 'NEW' then
    redis.call('ZADD', watched, now + patience, id)
  elseif state == 'CLOSED' then
    redis.call('ZREM', watched, id)
    redis.call('ZREM', open_incidents, id)
  else
    redis.call('ZADD', watched, now + patience, id)
    found[#found + 1] = id
    found[#found + 1] = ''
  end
end
return found
