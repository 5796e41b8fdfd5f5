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

local function sequence_of(place)
  return tonumber(place:match('^%d+')) or 0
end

-- The entry itself counts where its note was lost, and the note where the entry was: so a cut shows in the chain.
local function audit_end(audit, ids)
  local noted, written = redis.call('HGET', ids, 'head') or NO_ENTRY, NO_ENTRY
  local entry, fields = redis.call('XREVRANGE', audit, '+', '-', 'COUNT', 1)[1], {}
  for index = 1, #(entry and entry[2] or {}), 2 do
    fields[entry[2][index]] = entry[2][index + 1]
  end
  if fields['sequence'] and fields['hash'] then
    written = fields['sequence'] .. ':' .. fields['hash']
  end
  return sequence_of(written) > sequence_of(noted) and written or noted
end

-- Returns where the entry stands in the stream.
local function audit_append(audit, ids, entry_id, place, fields)
  local stream_id = redis.call('XADD', audit, '*', unpack(fields))
  redis.call('HSET', ids, entry_id, place, 'head', place)
  return stream_id
end
