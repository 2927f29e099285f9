-- The beginning of every script that writes revocations or answers for them: whose data this is, and which life of it.
-- KEYS[1] meta, KEYS[2] was, KEYS[3..6] copy, until, kept, tallies; ARGV[1] the check of the key ring, ARGV[2] an epoch, in case a new one begins.
--
-- Nothing here names what is stored in an error: errors are logged.

-- How many earlier lives are remembered: a client that brings a revision of one that is older reads anew.
local LIVES = 16

-- A number as this service writes it. Lua counts exactly up to 2^53.
local function number(text)
  if type(text) == 'string' and #text <= 16 and string.match(text, '^%d+$') then return tonumber(text) end
end

local function digits(count) return string.format('%.0f', count) end

local found = redis.call('HMGET', KEYS[1], 'schema', 'ring', 'epoch', 'seq', 'run')
if found[1] and found[1] ~= '1' then
  return redis.error_reply('CSSCHEMA ' .. digits(number(found[1]) or 0))
end
-- Before anything is written. A store that was emptied has no check; it is put there first, by who can tell whether it may.
if found[2] ~= ARGV[1] then return redis.error_reply('CSRING the check of the key ring is another one') end

-- The counter and what it counts change together in one process. Another process (a restart, another primary) may have come up
-- without the last that this one acknowledged: so its life is another epoch, and where the one before ended is noted.
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
if not run then return redis.error_reply('CSDAMAGED run') end
local epoch, seq = found[3], 0
if found[3] and found[4] then
  seq = number(found[4])
  if not seq or #epoch ~= 16 or not string.match(epoch, '^%x+$') then
    return redis.error_reply('CSDAMAGED counter')
  end
end
-- What holds the revocations and what is said about them change together. Where they are not as many, one of them was deleted or
-- evicted: then what is left is counted anew, and this is an emptied store, which replicas fill again.
local COPY, UNTIL, KEPT, TALLIES = KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local many = redis.call('HLEN', COPY)
local whole = redis.call('ZCARD', UNTIL) == many and redis.call('ZCARD', KEPT) == many
if not whole then
  local problem = count_anew(COPY, UNTIL, KEPT, TALLIES)
  if problem then return redis.error_reply(problem) end
end
local counted = found[3] and found[4] and whole
if not counted then
  -- Nobody knows what was lost: this life goes on from no other.
  redis.call('DEL', KEYS[2])
elseif found[5] ~= run then
  redis.call('HSET', KEYS[2], epoch, digits(seq))
  local flat, lives = redis.call('HGETALL', KEYS[2]), {}
  for at = 1, #flat, 2 do lives[#lives + 1] = { flat[at], number(flat[at + 1]) or -1 } end
  table.sort(lives, function(one, other) return one[2] > other[2] end)
  for at = LIVES + 1, #lives do redis.call('HDEL', KEYS[2], lives[at][1]) end
end
if not counted or found[5] ~= run then
  epoch = ARGV[2]
  redis.call('HSET', KEYS[1], 'schema', '1', 'epoch', epoch, 'seq', digits(seq), 'run', run)
end
