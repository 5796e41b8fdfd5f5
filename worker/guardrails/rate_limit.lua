-- Takes one place under each of several rate limits, or none under any of them.
-- Method: GCRA. A key holds the time at which a steady caller would come next, in microseconds of the server's clock.
--
-- KEYS     one a limit
-- ARGV     for each key two numbers, in microseconds: the interval between calls, and how far ahead a burst may run
-- Answers  { microseconds until every limit has a place }: 0 means taken, anything else means that nothing was written

local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]

local wait = 0
local next_calls = {}

for position, key in ipairs(KEYS) do
  local interval = tonumber(ARGV[position * 2 - 1])
  local burst = tonumber(ARGV[position * 2])
  local expected = tonumber(redis.call('GET', key) or now)
  if expected > now + burst + interval then
    expected = now -- further ahead than any call can bring it: the clock was set back since
  end
  wait = math.max(wait, expected - burst - now)
  next_calls[position] = math.max(expected, now) + interval
end

if wait > 0 then
  return { wait }
end

-- Once its time has passed, a key says no more than a missing one does, so it expires then.
for position, key in ipairs(KEYS) do
  local next_call = next_calls[position]
  redis.call('SET', key, string.format('%.0f', next_call), 'PX', math.ceil((next_call - now) / 1000))
end

return { 0 }
