-- Takes in a batch of alerts: for each the entry of an incident and its queue message, or its place with the incident
-- that is open for its group, or neither. The clock is the server's.
--
-- KEYS     1 the set of open incidents  2-4 the queues' lists, most urgent first  5 the set of watched incidents
-- ARGV     1 the limit of open incidents; critical ones have a tenth more
--          2 patience   how long the sweeper waits before its first look at an incident
--          3 quiet      how long after a group's incident ended well its next triage waits
--          4 engineer   how long after a group's incident was handed to an engineer its next triage waits
--          5 critical   the same, for critical alerts
--          6 lateness   a firing that comes so shortly after its own end may be a late copy: its triage waits so long
--          7 retention  (2-7 in milliseconds)   8 how many alerts an incident keeps
--          9-12 the prefixes of the keys of incidents, of their alerts, of occurrences and of groups
--          13-30 the six parts of a message for each queue, between which stand the id four times and a delivery tag
--          then for each alert five: the occurrence, '' or the incident's id where that is another one (the occurrence
--          fires again), the group or '', the alert as JSON, and its queue's index in KEYS, or 0 for an alert that ended;
--          of these and of what fires again also, behind a blank, how long ago they came, in milliseconds
-- Answers  two an alert: 0 accepted, 1 attached, 2 duplicate, 3 resolved, 4 full, and the id of the incident that has
--          it, '' where that is the alert's own or none has; or 5 fires again, and since when the occurrence is over
local OPEN, WATCHED, FIRST_ARGUMENT, ARGUMENTS, FIRST_PART, PARTS = KEYS[1], KEYS[5], 31, 5, 13, 6
local MOST_URGENT, USUAL = 2, 3
local ACCEPTED, ATTACHED, DUPLICATE, RESOLVED, FULL, FIRES_AGAIN = 0, 1, 2, 3, 4, 5
local open_limit, patience, quiet = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local engineer, critical, lateness = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local retention, kept = ARGV[7], tonumber(ARGV[8])
local incident_prefix, alerts_prefix, occurrence_prefix, group_prefix = ARGV[9], ARGV[10], ARGV[11], ARGV[12]

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
local opened, watched, grouped, pushed = {}, {}, {}, { {}, {}, {}, {} }

local is_handed_over = { escalated = true, dead_lettered = true, awaiting_approval = true }

-- What stands at the occurrences and groups of all alerts is asked for at once, and kept as this batch changes it. What
-- nobody of ours has written, of whatever type, is as good as nothing.
local function asked(prefix, names)
  local keys, found = {}, {}
  for index, name in ipairs(names) do
    keys[index] = prefix .. name
  end
  for index, value in ipairs(redis.call('MGET', unpack(keys))) do
    found[names[index]] = value
  end
  return found
end

local occurrences, names_of_groups, entries = {}, {}, {}
for position = FIRST_ARGUMENT, #ARGV, ARGUMENTS do
  local occurrence, other_id, group = unpack(ARGV, position, position + 2)
  local index = #entries + 1
  occurrences[index], names_of_groups[index] = occurrence, group
  entries[index] = incident_prefix .. (other_id == '' and occurrence or other_id)
end
local stored, newest_of = asked(occurrence_prefix, occurrences), asked(group_prefix, names_of_groups)
local has_known, is_new = redis.call('EXISTS', unpack(entries)) > 0, {}

local function store(occurrence, value)
  redis.call('SET', occurrence_prefix .. occurrence, value, 'PX', retention)
  stored[occurrence] = value
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

local function number(value)
  return tonumber(value or 0) or 0
end

local function whole(milliseconds)
  return string.format('%.0f', milliseconds)
end

local message_parts = {}
for queue_index = MOST_URGENT, MOST_URGENT + 2 do
  local part = FIRST_PART + (queue_index - MOST_URGENT) * PARTS
  message_parts[queue_index] = { unpack(ARGV, part, part + PARTS - 1) }
end

local function watch(id, look)
  watched[#watched + 1] = look
  watched[#watched + 1] = id
end

-- An incident is pushed into each queue once at most, so its tag is that of no other message.
local function push(id, queue_index)
  local messages = pushed[queue_index]
  local one, two, three, four, five, six = unpack(message_parts[queue_index])
  messages[#messages + 1] = one .. id .. two .. id .. three .. id .. four .. id .. five .. id .. now .. queue_index .. six
end

-- Bring an incident that waits to the more urgent queue: its triage is due at once, or when its rules allow it.
local function hasten(incident, queue_index, entry)
  local key, due = incident_prefix .. incident, math.max(number(entry['urgent_at']), now_milliseconds)
  redis.call('HSET', key, 'queue', KEYS[queue_index])
  if due > now_milliseconds then
    redis.call('HSET', key, 'not_before', whole(due))
    watch(incident, whole(due))
    return
  end
  redis.call('HDEL', key, 'not_before')
  redis.call('HSET', key, 'enqueued_at', now)
  watch(incident, first_look)
  push(incident, queue_index)
end

local function attach(incident, occurrence, id, alert, queue_index, entry)
  note(incident, alert, 'occurrences')
  store(occurrence, incident)
  if id ~= occurrence then
    store(id, incident)
  end
  if queue_index < number(entry['urgency']) then
    redis.call('HSET', incident_prefix .. incident, 'urgency', queue_index)
    if (entry['state'] or 'NEW') == 'NEW' then
      hasten(incident, queue_index, entry)
    end
  end
  return ATTACHED, incident
end

local GROUP_FIELDS = { 'state', 'accepted_at', 'disposition', 'closed_at', 'urgency', 'urgent_at', 'queue' }
local QUEUE_INDEX = { [KEYS[2]] = 2, [KEYS[3]] = 3, [KEYS[4]] = 4 }

-- What is stored of a group's newest incident, by field; nothing where there is none.
local function entry_of(incident)
  local values = incident and redis.pcall('HMGET', incident_prefix .. incident, unpack(GROUP_FIELDS))
  if not values or values['err'] or not (values[1] or values[2]) then
    return nil
  end
  local entry = {}
  for place, field in ipairs(GROUP_FIELDS) do
    entry[field] = values[place]
  end
  entry['urgency'] = entry['urgency'] or QUEUE_INDEX[entry['queue']] or USUAL
  return entry
end

-- When the next triage of a group may begin after its last incident was closed, when for alerts that are more urgent,
-- and whether an engineer has the group; 0 is at once.
local AT_ONCE = { due = 0, urgent_at = 0 }

local function rules_after(entry, queue_index)
  local closed_at = number(entry['closed_at'])
  if closed_at > now_milliseconds or queue_index < number(entry['urgency']) then
    return AT_ONCE
  end
  if not is_handed_over[entry['disposition']] then
    return { due = closed_at + quiet, urgent_at = 0 }
  end
  local urgent_at = closed_at + critical
  local due = queue_index == MOST_URGENT and urgent_at or closed_at + engineer
  return { due = due, urgent_at = urgent_at, is_handed_over = due > now_milliseconds }
end

local function open_incident(id, occurrence, group, alert, queue_index, rules)
  local key, is_deferred = incident_prefix .. id, rules.due > now_milliseconds
  if queue_index == USUAL then
    redis.call('HSET', key, 'incident', alert, 'accepted_at', now)
  else
    redis.call('HSET', key, 'incident', alert, 'accepted_at', now, 'queue', KEYS[queue_index])
  end
  opened[#opened + 1] = now
  opened[#opened + 1] = id
  if is_deferred then
    redis.call('HSET', key, 'enqueued_at', 0, 'not_before', whole(rules.due), 'urgent_at', whole(rules.urgent_at))
    watch(id, whole(rules.due))
  else
    push(id, queue_index)
  end
  if group ~= '' then
    grouped[#grouped + 1] = group_prefix .. group
    grouped[#grouped + 1] = id
    newest_of[group] = id
  end
  if id ~= occurrence then
    store(occurrence, id)
  end
  is_new[id] = true
  open = open + 1
  return rules.is_handed_over and ATTACHED or ACCEPTED, id
end

local function has_entry(id)
  local values = redis.pcall('HMGET', incident_prefix .. id, 'state', 'accepted_at')
  return (values[1] or values[2]) and true or false, values['err']
end

-- Whether there is an entry of this incident; what stands in its place and is none is taken away.
local function is_known(id)
  if not has_known and not is_new[id] then
    return false
  end
  local is_there, is_wrong = has_entry(id)
  if is_wrong then
    redis.call('DEL', incident_prefix .. id)
  end
  return is_there
end

local function is_full(queue_index)
  return open >= (queue_index == MOST_URGENT and open_limit * 1.1 or open_limit)
end

-- The incident that has an occurrence already, or since when it is over, or neither.
local function found_of(occurrence, id, known)
  if id ~= occurrence then
    return is_known(id) and id or asked(occurrence_prefix, { id })[id], known and tonumber(known:match('^resolved:.*:(%d+)$'))
  end
  local over_since = known and known:match('^resolved:.*:(%d+)$')
  if over_since then
    return nil, tonumber(over_since)
  end
  return known or is_known(id) and id, nil
end

local function fire(occurrence, id, group, alert, queue_index, age)
  local known, newest = stored[occurrence], newest_of[group]
  local with, over_since = found_of(occurrence, id, known)
  if with then
    return DUPLICATE, with
  end
  if over_since and id == occurrence then
    return FIRES_AGAIN, whole(over_since)
  end
  local entry, rules = entry_of(newest), AT_ONCE
  if entry and entry['state'] ~= 'CLOSED' then
    return attach(newest, occurrence, id, alert, queue_index, entry)
  end
  if is_full(queue_index) then
    return FULL, id
  end
  if entry then
    rules = rules_after(entry, queue_index)
  end
  if over_since then
    local late_until = over_since + lateness + age
    rules = { due = math.max(rules.due, late_until), urgent_at = math.max(rules.urgent_at, late_until),
      is_handed_over = rules.is_handed_over }
  end
  return open_incident(id, occurrence, group, alert, queue_index, rules)
end

local function resolve(occurrence, alert, age)
  local known = stored[occurrence]
  local over = known and known:match('^resolved:(.*):%d+$')
  if over then
    return RESOLVED, over
  end
  local incident = known or occurrence
  local has_incident = has_entry(incident)
  local over_since = whole(now_milliseconds - age)
  store(occurrence, 'resolved:' .. (has_incident and incident or '') .. ':' .. over_since)
  if not has_incident then
    return RESOLVED, ''
  end
  note(incident, alert, 'resolved')
  return RESOLVED, incident
end

local answers = {}
for position = FIRST_ARGUMENT, #ARGV, ARGUMENTS do
  local occurrence, other_id, group, alert, place = unpack(ARGV, position, position + ARGUMENTS - 1)
  local queue_index, age, answer, incident = tonumber(place), 0, nil, nil
  if not queue_index then
    queue_index, age = place:match('(%d) (%d+)')
    queue_index, age = tonumber(queue_index), tonumber(age)
  end
  if queue_index == 0 then
    answer, incident = resolve(occurrence, alert, age)
  else
    local id = other_id == '' and occurrence or other_id
    answer, incident = fire(occurrence, id, group, alert, queue_index, age)
  end
  answers[#answers + 1] = answer
  answers[#answers + 1] = incident ~= occurrence and incident or ''
end

if #grouped > 0 then
  redis.call('MSET', unpack(grouped))
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
