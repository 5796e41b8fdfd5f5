-- What a step that a sink did not take begins with, whatever becomes of it then. Loaded before the scripts that call it.

local function milliseconds_now()
  local clock = redis.call('TIME')
  return clock[1] * 1000 + math.floor(clock[2] / 1000)
end

-- Counts a failure of the sink, if `failure` says that there was one, and notes the pause that it asked for. A failure is
-- a fact: it counts, whoever has the lease by now.
local function note_failure(sink, now, failure, again, pause)
  if failure ~= '' then
    redis.call('HINCRBY', sink, 'failures', 1)
    redis.call('HSETNX', sink, 'failing_since_at', now)
    redis.call('HSET', sink, 'failed_at', now, 'tried_again_at', now + again, 'error', failure)
  end
  if pause > 0 then
    redis.call('HSET', sink, 'paused_until', now + pause)
  end
end

local function has_lease(delivery, token)
  return redis.call('HGET', delivery, 'token') == token
end
