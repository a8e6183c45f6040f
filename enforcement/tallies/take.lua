-- Does steps of tallies in order: the figure of each, then its event is taken up.
--
-- KEYS: the key of the entries of each step.
-- ARGV: the most entries that are kept one by one, bits of a filter, probes, and for each step nine:
--   kind      c (how many), d (how many different values) or s (sum)
--   member    of the sorted set: the length of the value, a colon, the value, the name of the event
--   at        when the event was
--   start     where its window begins
--   floor     no window reaches entries before it
--   width     of a bucket
--   life      for how long the entries are kept after the last one, in milliseconds
--   counts    1 if the event is taken up
--   asked     1 if the figure is wanted
-- Instants are microseconds since 1970, which floats hold exactly. Answers the figures as texts.
--
-- Entries are a sorted set by instant; beside it are KEY:v, when each different value was last seen,
-- and KEY:t:W, the sums of whole buckets. Beyond the limit entries become a sketch: KEY:s is a hash with
-- `width`, `newest` and for sums `total:B` and `used:B` of each bucket B; KEY:p:B is the HyperLogLog
-- of a bucket, KEY:f:B the filter that knows the events of a sum.

local LIMIT, BITS, PROBES = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])

local function whole(number)
  return string.format('%.0f', number)
end

local function exact(number)
  return string.format('%.17g', number)
end

-- The value and the name of a member.
local function parts(member)
  local colon = string.find(member, ':', 1, true)
  local last = colon + tonumber(string.sub(member, 1, colon - 1))
  return string.sub(member, colon + 1, last), string.sub(member, last + 1)
end

-- ── Entries one by one ──────────────────────────────────────────────────────────────────────────

local function newest_of(key)
  return tonumber(redis.call('ZREVRANGE', key, 0, 0, 'WITHSCORES')[2] or '0')
end

-- How many different values: while nothing is as late as `at`, those that were last seen in time.
local function different(key, start, at_text)
  if newest_of(key) < tonumber(at_text) then
    return redis.call('ZCOUNT', key .. ':v', start, '+inf')
  end
  local seen, count = {}, 0
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', key, start, '(' .. at_text)) do
    local value = parts(member)
    if not seen[value] then
      seen[value] = true
      count = count + 1
    end
  end
  return count
end

-- The hash of the sums of whole buckets.
local function totals_of(key, width)
  return key .. ':t:' .. whole(width)
end

local function sum(key, start, at_text, width)
  local totals, at = totals_of(key, width), tonumber(at_text)
  -- What each addition rounds off is added up too, so that the order makes no difference.
  local total, lost = 0, 0
  local function add(value)
    local next = total + value
    if math.abs(total) >= math.abs(value) then
      lost = lost + ((total - next) + value)
    else
      lost = lost + ((value - next) + total)
    end
    total = next
  end
  local function add_entries(from, to)
    for _, member in ipairs(redis.call('ZRANGEBYSCORE', key, from, '(' .. to)) do
      add(tonumber((parts(member))))
    end
  end
  local first, last = math.floor(tonumber(start) / width) + 1, math.floor((at - 1) / width)
  local late = newest_of(key) >= at
  if late then
    last = last - 1
  end
  if last < first or redis.call('EXISTS', totals) == 0 then
    add_entries(start, at_text)
  else
    local buckets = {}
    for number = first, last do
      buckets[#buckets + 1] = whole(number)
    end
    add_entries(start, whole(first * width))
    for _, value in ipairs(redis.call('HMGET', totals, unpack(buckets))) do
      add(tonumber(value or '0'))
    end
    if late then
      add_entries(whole((last + 1) * width), at_text)
    end
  end
  return total + lost
end

local function exact_figure(key, kind, start, at, width)
  if kind == 'c' then
    return whole(redis.call('ZCOUNT', key, start, '(' .. at))
  elseif kind == 'd' then
    return whole(different(key, start, at))
  end
  return exact(sum(key, start, at, width))
end

local function add_to_total(totals, value, at, width)
  redis.call('HINCRBYFLOAT', totals, whole(math.floor(at / width)), value)
end

-- Take an entry up; false if it was taken up before.
local function add_exact(key, kind, member, at_text, floor_text, width, life)
  redis.call('ZREMRANGEBYSCORE', key, '-inf', '(' .. floor_text)
  if redis.call('ZADD', key, 'NX', at_text, member) == 0 then
    return false
  end
  redis.call('PEXPIRE', key, life)
  if kind == 'd' then
    redis.call('ZREMRANGEBYSCORE', key .. ':v', '-inf', '(' .. floor_text)
    redis.call('ZADD', key .. ':v', 'GT', at_text, (parts(member)))
    redis.call('PEXPIRE', key .. ':v', life)
  elseif kind == 's' then
    local totals, at = totals_of(key, width), tonumber(at_text)
    local floor = tonumber(floor_text)
    if redis.call('EXISTS', totals) == 0 then
      -- It is the first entry, or the window was another before.
      local entries = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
      for index = 1, #entries, 2 do
        add_to_total(totals, (parts(entries[index])), tonumber(entries[index + 1]), width)
      end
    else
      if redis.call('HEXISTS', totals, whole(math.floor(at / width))) == 0 then
        for _, bucket in ipairs(redis.call('HKEYS', totals)) do
          if (tonumber(bucket) + 1) * width <= floor then
            redis.call('HDEL', totals, bucket)
          end
        end
      end
      add_to_total(totals, (parts(member)), at, width)
    end
    redis.call('PEXPIRE', totals, life)
  end
  return true
end

-- ── Sketches ────────────────────────────────────────────────────────────────────────────────────

local function add_to_sum(key, bucket, name, value, life)
  local state, filter = key .. ':s', key .. ':f:' .. bucket
  local known = redis.call('HMGET', state, 'total:' .. bucket, 'used:' .. bucket)
  local total, used = tonumber(known[1] or '0'), tonumber(known[2] or '0')
  local passed = 1 - (used / BITS) ^ PROBES
  local digest, fresh = redis.sha1hex(name), false
  for probe = 1, PROBES do
    local place = tonumber(string.sub(digest, 4 * probe - 3, 4 * probe), 16) % BITS
    if redis.call('SETBIT', filter, place, 1) == 0 then
      used = used + 1
      fresh = true
    end
  end
  if fresh then
    redis.call('HSET', state, 'total:' .. bucket, exact(total + value / passed), 'used:' .. bucket, used)
    redis.call('PEXPIRE', filter, life)
  end
end

local function add_to_sketch(key, kind, member, at, width, life)
  local bucket = whole(math.floor(at / width))
  local value, name = parts(member)
  if kind == 's' then
    add_to_sum(key, bucket, name, tonumber(value), life)
  else
    local place = key .. ':p:' .. bucket
    redis.call('PFADD', place, kind == 'd' and value or name)
    redis.call('PEXPIRE', place, life)
  end
end

local function summarise(key, kind, width, life)
  local entries = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
  redis.call('HSET', key .. ':s', 'width', whole(width), 'newest', entries[#entries])
  for index = 1, #entries, 2 do
    add_to_sketch(key, kind, entries[index], tonumber(entries[index + 1]), width, life)
  end
  redis.call('DEL', key, key .. ':v', totals_of(key, width))
  redis.call('PEXPIRE', key .. ':s', life)
end

local function sketch_figure(key, kind, start, at, width, newest)
  local total, whole_buckets = 0, {}
  for number = math.floor(start / width), math.floor((at - 1) / width) do
    local first = number * width
    -- Entries are taken to lie evenly up to the end of the bucket, or up to the newest of all.
    local last = math.max(first + 1, math.min(first + width, newest + 1))
    local share = (math.min(at, last) - math.max(start, first)) / (last - first)
    local bucket = whole(number)
    if share > 0 then
      if kind == 'c' then
        total = total + share * redis.call('PFCOUNT', key .. ':p:' .. bucket)
      elseif kind == 's' then
        total = total + share * tonumber(redis.call('HGET', key .. ':s', 'total:' .. bucket) or '0')
      elseif share >= 0.5 then
        whole_buckets[#whole_buckets + 1] = key .. ':p:' .. bucket
      end
    end
  end
  if kind == 'd' then
    return whole(#whole_buckets > 0 and redis.call('PFCOUNT', unpack(whole_buckets)) or 0)
  end
  return kind == 's' and exact(total) or whole(total)
end

-- Sums of buckets that no window reaches; the other parts of a sketch have an end of their own.
local function forget_sums(key, floor, width)
  for _, field in ipairs(redis.call('HKEYS', key .. ':s')) do
    local bucket = string.match(field, '^total:(-?%d+)$')
    if bucket and (tonumber(bucket) + 1) * width <= floor then
      redis.call('HDEL', key .. ':s', field, 'used:' .. bucket)
      redis.call('DEL', key .. ':f:' .. bucket)
    end
  end
end

-- ── Steps ───────────────────────────────────────────────────────────────────────────────────────

local figures = {}
local place = 3
for index, key in ipairs(KEYS) do
  local kind, member, at_text, start_text, floor_text, step_width, life =
    ARGV[place + 1], ARGV[place + 2], ARGV[place + 3], ARGV[place + 4], ARGV[place + 5],
    tonumber(ARGV[place + 6]), ARGV[place + 7]
  local counts, asked = ARGV[place + 8] == '1', ARGV[place + 9] == '1'
  place = place + 9
  local at, floor = tonumber(at_text), tonumber(floor_text)
  counts = counts and at >= floor
  local sketch = redis.call('HMGET', key .. ':s', 'width', 'newest')
  local width, newest = tonumber(sketch[1] or '0'), tonumber(sketch[2] or '0')
  if width > 0 and newest < floor then
    redis.call('DEL', key .. ':s')
    width = 0
  end
  figures[index] = false
  if asked then
    if width > 0 then
      figures[index] = sketch_figure(key, kind, tonumber(start_text), at, width, newest)
    else
      figures[index] = exact_figure(key, kind, start_text, at_text, step_width)
    end
  end
  if counts and width > 0 then
    if kind == 's' and math.floor(at / width) > math.floor(newest / width) then
      forget_sums(key, floor, width)
    end
    add_to_sketch(key, kind, member, at, width, life)
    if at > newest then
      redis.call('HSET', key .. ':s', 'newest', at_text)
    end
    redis.call('PEXPIRE', key .. ':s', life)
  elseif counts then
    if add_exact(key, kind, member, at_text, floor_text, step_width, life)
      and redis.call('ZCARD', key) > LIMIT then
      summarise(key, kind, step_width, life)
    end
  end
end
return figures
