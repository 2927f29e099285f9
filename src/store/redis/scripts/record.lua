-- Records an order: all of it or nothing, because everything that can be wrong is found before the first write, and a script
-- without `allow-oom` is not begun when memory is full.
-- KEYS[7] feed, KEYS[8] outbox; ARGV[3] keys and records one after another, 51 bytes each and at most
-- a thousand (`unpack` has a limit); then ids of deliveries, each with its record.

local FEED, OUTBOX = KEYS[7], KEYS[8]
local KEY, BOTH = 17, 51
-- Entries that the feed keeps, about: whoever is further behind reads the copy again.
local FED = 100000

local keys, new = {}, {}
for at = 1, #ARGV[3], BOTH do
  local key = string.sub(ARGV[3], at, at + KEY - 1)
  local one, problem = read(string.sub(ARGV[3], at + KEY, at + BOTH - 1))
  if not one then return redis.error_reply(problem) end
  if new[key] then
    new[key] = merge(new[key], one)
  else
    keys[#keys + 1], new[key] = key, one
  end
end

-- What changes, and the hours that this touches.
local changed, records, before, hours = {}, {}, {}, {}
if #keys > 0 then
  local stored = redis.call('HMGET', COPY, unpack(keys))
  for at, key in ipairs(keys) do
    local record = stored[at]
    if record then
      local known, problem = read(record)
      if not known then return redis.error_reply(problem) end
      new[key] = merge(known, new[key])
      before[key] = { record, hour(known) }
    end
    records[key] = write(new[key])
    if records[key] ~= record then
      changed[#changed + 1] = key
      hours[hour(new[key])] = true
      if record then hours[before[key][2]] = true end
    end
  end
end
local tallies, problem = tallies_of(TALLIES, hours)
if not tallies then return redis.error_reply(problem) end
-- They are read here, so that somebody else's data in their place fails the order before it has written anything.
for _, name in ipairs({ UNTIL, KEPT }) do redis.call('ZCARD', name) end
redis.call('XLEN', FEED)
redis.call('HLEN', OUTBOX)

local copy, ends, lives, feed = {}, {}, {}, {}
for _, key in ipairs(changed) do
  local one, record = new[key], records[key]
  if before[key] then count(tallies[before[key][2]], key, before[key][1], -1) end
  count(tallies[hour(one)], key, record, 1)
  copy[#copy + 1], copy[#copy + 2] = key, record
  ends[#ends + 1], ends[#ends + 2] = millis(one.till), key
  lives[#lives + 1], lives[#lives + 2] = millis(one.kept), key
  feed[#feed + 1] = key .. record
end
if #changed > 0 then
  redis.call('HSET', COPY, unpack(copy))
  redis.call('ZADD', UNTIL, unpack(ends))
  redis.call('ZADD', KEPT, unpack(lives))
  keep_tallies(TALLIES, tallies)
end
-- An order that comes a second time does not forget how often its deliveries were tried.
for at = 4, #ARGV, 2 do redis.call('HSETNX', OUTBOX, ARGV[at], ARGV[at + 1]) end

seq = seq + 1
redis.call('HSET', KEYS[1], 'seq', digits(seq))
redis.call('XADD', FEED, 'MAXLEN', '~', FED, '*', 'e', epoch, 's', digits(seq), 'r', table.concat(feed))
return { epoch, digits(seq) }
