-- The end of the audit's chain, for scripts that write there: they are put behind these functions.
--
-- A place in the chain is "sequence:hash". The hash is the caller's, who made it for one certain place: where the chain
-- has grown since, nothing is written, and the caller hears the new end.

local NO_ENTRY = '0:' .. string.rep('0', 64)

-- A key of another type fails in the middle of a script, and what was written before it stays: look first.
local function wrong_type(expected)
  for key, kind in pairs(expected) do
    local found = redis.call('TYPE', key)['ok']
    if found ~= kind and found ~= 'none' then
      return 'WRONGTYPE ' .. key .. ' is a ' .. found
    end
  end
end

-- Anything else that stands where a place belongs counts as nothing: one damaged field stops no work.
local function is_place(text)
  local sequence, digest = string.match(text or '', '^(%d+):([0-9a-f]+)$')
  return sequence ~= nil and #sequence <= 15 and #digest == 64
end

local function sequence_of(place)
  return tonumber(place:match('^%d+'))
end

-- A number that no honest log comes near would leave no room for the entries that follow.
local HIGHEST_DIGITS = 12

local function newest_written(audit, count)
  for _, entry in ipairs(redis.call('XREVRANGE', audit, '+', '-', 'COUNT', count)) do
    local fields = {}
    for index = 1, #entry[2], 2 do
      fields[entry[2][index]] = entry[2][index + 1]
    end
    local place = (fields['sequence'] or '') .. ':' .. (fields['hash'] or '')
    if is_place(place) and #fields['sequence'] <= HIGHEST_DIGITS then
      return place
    end
  end
  return NO_ENTRY
end

-- The entry itself counts where its note was lost, and the note where the entry was: so a cut shows in the chain. One
-- that does not follow what is noted was put there by somebody else, and leads nobody away.
local function audit_end(audit, ids)
  local noted = redis.call('HGET', ids, 'head')
  if not is_place(noted) then
    return newest_written(audit, 100)
  end
  local written = newest_written(audit, 1)
  return sequence_of(written) == sequence_of(noted) + 1 and written or noted
end

-- Returns where the entry stands in the stream.
local function audit_append(audit, ids, entry_id, place, fields)
  local stream_id = redis.call('XADD', audit, '*', unpack(fields))
  redis.call('HSET', ids, entry_id, place, 'head', place)
  return stream_id
end
