-- Takes in a batch of alerts: for each the entry of an incident and its queue message, or its place with the incident
-- that is open for its group, or neither. The clock is the server's.
--
-- KEYS     1 the set of open incidents  2-4 the queues' lists, most urgent first  5 the set of watched incidents
-- ARGV     1 the limit of open incidents
--          2 patience   how long the sweeper waits before its first look at an incident
--          3 quiet      how long after a group's incident ended well its next triage waits
--          4 engineer   for how long after a group's incident was handed to an engineer further alerts go with it
--          5 lateness   a firing that reached its producer so shortly after its own end is a late copy
--          6 retention  (2-6 in milliseconds)   7 how many alerts an incident keeps
--          8-11 the prefixes of the keys of incidents, of their alerts, of occurrences and of groups
--          12-29 the six parts of a message for each queue, between which stand the encoded id, the id three times and
--          a delivery tag
--          then for each alert seven: the occurrence, '' or the incident's id where that is another one (the occurrence
--          fires again), the group or '', the alert as JSON, the incident's id encoded for the message, and its queue's
--          index in KEYS, or 0 for an alert that ended, and when it reached its producer, in milliseconds
-- Answers  two an alert: 0 accepted, 1 attached, 2 duplicate, 3 resolved, 4 full, and the id of the incident that has
--          it, or '' where none has; or 5 fires again, and since when the occurrence is over
local OPEN, WATCHED, FIRST_ARGUMENT, ARGUMENTS, FIRST_PART, PARTS = KEYS[1], KEYS[5], 30, 7, 12, 6
local ACCEPTED, ATTACHED, DUPLICATE, RESOLVED, FULL, FIRES_AGAIN = 0, 1, 2, 3, 4, 5
local open_limit, patience, quiet, engineer = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local lateness, retention, kept = tonumber(ARGV[5]), ARGV[6], tonumber(ARGV[7])
local incident_prefix, alerts_prefix, occurrence_prefix, group_prefix = ARGV[8], ARGV[9], ARGV[10], ARGV[11]

-- A key of the wrong type fails in the middle of a script, and what was written before it stays: look first.
local expected = {'zset', 'list', 'list', 'list', 'zset'}
for index = 1, #expected do
  local found = redis.call('TYPE', KEYS[index])['ok']
  if found ~= 'none' and found ~= expected[index] then
    return redis.error_reply('WRONGTYPE ' .. KEYS[index] .. ' is a ' .. found)
  end
end

local time = redis.call('TIME')
local now_milliseconds = time[1] * 1000 + math.floor(time[2] / 1000)
local now = string.format('%.0f', now_milliseconds)
local first_look = string.format('%.0f', now_milliseconds + patience)
local open = redis.call('ZCARD', OPEN)

-- What is written for every incident is gathered, and written by one command a key at the end: nothing can fail then.
local opened, watch, pushed = {}, {}, { {}, {}, {}, {} }

local is_handed_over = { escalated = true, dead_lettered = true, awaiting_approval = true }

-- What nobody of ours has written, of whatever type, is as good as nothing.
local function stored(key)
  local value = redis.pcall('GET', key)
  return type(value) == 'string' and value
end

-- Note an alert that came to an incident after its own; the newest are kept, all are counted. What a stranger has
-- spoilt there spoils the note, and not the batch.
local function note(incident, alert, field)
  local key, alerts = incident_prefix .. incident, alerts_prefix .. incident
  if redis.call('HSETNX', key, 'occurrences', 1) == 1 then
    redis.call('HSET', key, 'resolved', 0)
  end
  redis.pcall('HINCRBY', key, field, 1)
  redis.call('HSET', key, 'last_seen_at', now)
  redis.pcall('LPUSH', alerts, alert)
  redis.pcall('LTRIM', alerts, 0, kept - 1)
  redis.call('PEXPIRE', alerts, retention)
end

local function attach(incident, occurrence, id, alert, queue_index, entry)
  note(incident, alert, 'occurrences')
  redis.call('SET', occurrence_prefix .. occurrence, incident, 'PX', retention)
  if id ~= occurrence then
    redis.call('SET', occurrence_prefix .. id, incident, 'PX', retention)
  end
  local urgency = tonumber(entry[4] or 0) or 0
  if queue_index < urgency then
    local key = incident_prefix .. incident
    redis.call('HSET', key, 'urgency', queue_index)
    -- The sweeper puts it into the more urgent queue: it looks at it next, and takes its message there for lost.
    if entry[1] == 'NEW' then
      redis.call('HSET', key, 'queue', KEYS[queue_index], 'enqueued_at', 0)
      redis.call('HDEL', key, 'not_before')
      watch[incident] = now
    end
  end
  return ATTACHED, incident
end

-- The incident that a group's next alert goes with; else when the group's next triage may begin, 0 for at once.
local function of_group(incident, queue_index)
  if not incident then
    return nil, 0
  end
  local entry = redis.pcall('HMGET', incident_prefix .. incident, 'state', 'disposition', 'closed_at', 'urgency')
  if entry['err'] or not entry[1] then
    return nil, 0
  end
  if entry[1] ~= 'CLOSED' then
    return incident, entry
  end
  local closed_at = tonumber(entry[3] or 0) or 0
  local is_more_urgent = queue_index < (tonumber(entry[4] or 0) or 0)
  if closed_at > now_milliseconds or is_more_urgent then
    return nil, 0
  end
  if is_handed_over[entry[2]] then
    if now_milliseconds < closed_at + engineer then
      return incident, entry
    end
    return nil, 0
  end
  return nil, now_milliseconds < closed_at + quiet and closed_at + quiet or 0
end

local function message_of(id, encoded_id, queue_index)
  local part = FIRST_PART + (queue_index - 2) * PARTS
  return ARGV[part] .. encoded_id .. ARGV[part + 1] .. id .. ARGV[part + 2] .. id .. ARGV[part + 3] .. id
    .. ARGV[part + 4] .. id .. ':' .. now .. ARGV[part + 5]
end

local function open_incident(id, occurrence, group, alert, encoded_id, queue_index, not_before)
  local key, queue_key = incident_prefix .. id, KEYS[queue_index]
  local is_deferred = not_before > 0
  redis.call('HSET', key, 'incident', alert, 'state', 'NEW', 'epoch', 0, 'deliveries', 0, 'accepted_at', now,
    'queue', queue_key, 'enqueued_at', is_deferred and 0 or now, 'urgency', queue_index)
  opened[#opened + 1] = now
  opened[#opened + 1] = id
  if is_deferred then
    redis.call('HSET', key, 'not_before', string.format('%.0f', not_before))
    watch[id] = not_before
  else
    watch[id] = first_look
    local messages = pushed[queue_index]
    messages[#messages + 1] = message_of(id, encoded_id, queue_index)
  end
  if group ~= '' then
    redis.call('SET', group_prefix .. group, id, 'PX', retention)
  end
  if id ~= occurrence then
    redis.call('SET', occurrence_prefix .. occurrence, id, 'PX', retention)
  end
  open = open + 1
  return ACCEPTED, id
end

-- Whether there is an entry of this incident; what stands in its place and is none is taken away.
local function is_known(id)
  local state = redis.pcall('HGET', incident_prefix .. id, 'state')
  if type(state) == 'table' then
    redis.call('DEL', incident_prefix .. id)
  end
  return type(state) == 'string'
end

local function fire(occurrence, id, group, alert, encoded_id, queue_index, received)
  if id ~= occurrence then
    local with = is_known(id) and id or stored(occurrence_prefix .. id)
    if with then
      return DUPLICATE, with
    end
  end
  local keys = { occurrence_prefix .. occurrence, group ~= '' and group_prefix .. group or nil }
  local known, newest = unpack(redis.call('MGET', unpack(keys)))
  if known and id == occurrence then
    local over, since = known:match('^resolved:(.*):(%d+)$')
    if not over then
      return DUPLICATE, known
    end
    if received < tonumber(since) + lateness then
      return RESOLVED, over
    end
    return FIRES_AGAIN, since
  end
  if id == occurrence and is_known(id) then
    return DUPLICATE, id
  end
  local incident, found = of_group(newest, queue_index)
  if incident then
    return attach(incident, occurrence, id, alert, queue_index, found)
  end
  if open >= open_limit then
    return FULL, id
  end
  return open_incident(id, occurrence, group, alert, encoded_id, queue_index, found)
end

local function resolve(occurrence, alert, received)
  local key = occurrence_prefix .. occurrence
  local known = stored(key)
  local over = known and known:match('^resolved:(.*):%d+$')
  if over then
    return RESOLVED, over
  end
  local incident = known or occurrence
  local entry = redis.pcall('HGET', incident_prefix .. incident, 'state')
  local has_incident = type(entry) == 'string'
  redis.call('SET', key, 'resolved:' .. (has_incident and incident or '') .. ':' .. received, 'PX', retention)
  if not has_incident then
    return RESOLVED, ''
  end
  note(incident, alert, 'resolved')
  return RESOLVED, incident
end

local answers = {}
for position = FIRST_ARGUMENT, #ARGV, ARGUMENTS do
  local occurrence, id, group, alert, encoded_id, queue_index, received =
    unpack(ARGV, position, position + ARGUMENTS - 1)
  local answer, incident
  if queue_index == '0' then
    answer, incident = resolve(occurrence, alert, received)
  else
    id = id == '' and occurrence or id
    answer, incident = fire(occurrence, id, group, alert, encoded_id, tonumber(queue_index), tonumber(received))
  end
  answers[#answers + 1] = answer
  answers[#answers + 1] = incident
end

local watched = {}
for id, score in pairs(watch) do
  watched[#watched + 1] = score
  watched[#watched + 1] = id
end
for key, values in pairs({ [OPEN] = opened, [WATCHED] = watched }) do
  if #values > 0 then
    redis.call('ZADD', key, unpack(values))
  end
end
for queue_index, messages in pairs(pushed) do
  if #messages > 0 then
    redis.call('LPUSH', KEYS[queue_index], unpack(messages))
  end
end
return answers
