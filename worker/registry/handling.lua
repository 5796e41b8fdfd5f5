-- Carries out what one engineer says of one incident, and writes it into the audit: both or neither. Of two that want
-- the same at once one gets it.
--
-- KEYS     1 the audit  2 its ids  3 the handling  4 its history  5 waiting incidents  6 what engineers did  7 feedback
--          8 the incident  9 its journal  10 the alerts that came to it  11 its placeholders
-- ARGV     1 the end of the audit that the entry was made for  2 the entry's own place  3 its id
--          4 incident id  5 the person  6 the action  7 who, what and which words, as JSON
--          8 a judgement as JSON, or '' where the action is none  9 retention in milliseconds
--          10 actions kept of an incident  11 actions kept of all  12 ... the audit entry's fields and values
-- Answers  { 'done', state, person, when in milliseconds } without the time where it was done before,
--          { 'repeated', state, person }, { 'refused', reason, state, person, since in milliseconds },
--          or { 'moved', the audit's end }: nothing was done

local audit, ids, handling, history, waiting, handled, feedback = unpack(KEYS, 1, 7)
local entry_id, incident_id, person, action, told, judgement, retention = unpack(ARGV, 3, 9)

local wrong = wrong_type({ [audit] = 'stream', [ids] = 'hash', [handling] = 'hash', [history] = 'list',
  [waiting] = 'zset', [handled] = 'stream', [feedback] = 'hash' })
if wrong then
  return redis.error_reply(wrong)
end

local entry = redis.call('HMGET', handling, 'state', 'person', 'since', 'score')
local state, holder, since = entry[1] or '', entry[2] or '', entry[3] or '0'
if redis.call('HGET', ids, entry_id) then
  return { 'done', state, holder }
end

local is_others = holder ~= '' and holder ~= person
local function taken_to(next_state)
  if state == 'resolved' then
    return nil, 'resolved'
  elseif is_others then
    return nil, 'held'
  end
  return next_state
end

local moves = {
  claim = function()
    return taken_to(state == 'acknowledged' and state or 'claimed')
  end,
  acknowledge = function()
    return taken_to('acknowledged')
  end,
  resolve = function()
    return taken_to('resolved')
  end,
  -- Anybody may: who has it may have gone home. Whose it was stands in the history.
  release = function()
    if state == 'resolved' then
      return nil, 'resolved'
    elseif state == 'open' then
      return nil, 'not_held'
    end
    return 'open'
  end,
  reopen = function()
    if state ~= 'resolved' then
      return nil, 'not_resolved'
    end
    return 'open'
  end,
}

local next_state, reason = state, nil
if state == '' and judgement == '' then
  return { 'refused', 'unknown', '', '', '0' }
elseif moves[action] then
  next_state, reason = moves[action]()
end
if reason then
  return { 'refused', reason, state, holder, since }
elseif moves[action] and next_state == state then
  return { 'repeated', state, holder }
end

local newest = audit_end(audit, ids)
if newest ~= ARGV[1] then
  return { 'moved', newest }
end

local now = whole(now_milliseconds())
-- Where it is lost, nobody knows how urgent the incident was: it is put where it is seen first.
local score = whole(score_in(entry[4]) or now)
-- What may fail comes first.
audit_append(audit, ids, entry_id, ARGV[2], { unpack(ARGV, 12) })
tell_all(handled, ARGV[11], incident_id, now, told)
if judgement ~= '' then
  redis.call('HSET', feedback, incident_id .. ' ' .. person, now .. ' ' .. judgement)
end
if state == '' then
  return { 'done', '', '', now }
end
tell(history, ARGV[10], now, told)
if next_state ~= state then
  holder = next_state == 'open' and '' or person
  redis.call('HSET', handling, 'state', next_state, 'person', holder, 'since', now)
end
local kept = { handling, history, unpack(KEYS, 8) }
if next_state == 'resolved' then
  redis.call('ZREM', waiting, incident_id)
  for _, key in ipairs(kept) do
    redis.call('PEXPIRE', key, retention)
  end
elseif state == 'resolved' then
  let_wait(waiting, score, incident_id, kept)
end
return { 'done', next_state, holder, now }
