-- What the scripts share that let an incident wait for engineers, or write down what was done: they are put behind it.

local BAND = 1e13

local function now_milliseconds()
  local clock = redis.call('TIME')
  return clock[1] * 1000 + math.floor(clock[2] / 1000)
end

local function whole(number)
  return string.format('%.0f', number)
end

-- A score that is lost, or that nobody of the desk gave, would fail where the index is written: it is none.
local function score_in(text)
  local score = tonumber(text or '')
  return score and score >= 0 and score < 3 * BAND and score or nil
end

local function tell(history, history_kept, now, told)
  redis.call('RPUSH', history, now .. ' ' .. told)
  redis.call('LTRIM', history, -history_kept, -1)
end

local function tell_all(handled, handled_kept, incident_id, now, told)
  redis.call('XADD', handled, 'MAXLEN', '~', handled_kept, '*', 'incident_id', incident_id, 'at', now, 'handled', told)
end

local function let_wait(waiting, score, incident_id, keys)
  redis.call('ZADD', waiting, score, incident_id)
  for _, key in ipairs(keys) do
    redis.call('PERSIST', key)
  end
end
