-- Requests for wrk: EVENTS in a request, of which IDENTIFY in a hundred are identify events.
-- PROTOCOL=segment sends the same as a batch of Segment's messages.
-- Each thread has 5,000 sessions; event ids are new, session ids come again.
local events = tonumber(os.getenv("EVENTS") or "1")
local identify = tonumber(os.getenv("IDENTIFY") or "0")
local segment = os.getenv("PROTOCOL") == "segment"
local threads = 0

function setup(thread)
  threads = threads + 1
  thread:set("number", threads)
end

function init()
  math.randomseed(os.time() * 100 + number)
  salt = string.format("%08x%02x", math.random(0, 2 ^ 31 - 1), number)
  sent = 0
end

local function event(n, session)
  local id = string.format("%08x-%s-7000-8000-%s", n, salt:sub(1, 4), salt:sub(-6))
  if n % 100 < identify then
    return string.format(
      '{"id":"%s","type":"identify","time":"2026-11-23T14:05:06.000Z","properties":{"email":"user%d@shop.test","traits":{"plan":"pro"}}}',
      id, session % 3000)
  end
  return string.format(
    '{"id":"%s","type":"page-view","time":"2026-11-23T14:05:06.000Z","properties":{"url":"https://shop.example/p/%d","title":"A page","referrer":""}}',
    id, n)
end

local function message(n, session)
  local id = string.format("%08x-%s-7000-8000-%s", n, salt:sub(1, 4), salt:sub(-6))
  return string.format(
    '{"messageId":"%s","type":"track","event":"page-view","timestamp":"2026-11-23T14:05:06.000Z","anonymousId":"%s-%d","context":{"library":{"name":"analytics-python","version":"2.4.0"}},"properties":{"url":"https://shop.example/p/%d","title":"A page","referrer":""}}',
    id, salt, session, n)
end

function request()
  local session = math.random(5000)
  local list = {}
  for _ = 1, events do
    sent = sent + 1
    list[#list + 1] = segment and message(sent, session) or event(sent, session)
  end
  if segment then
    local batch = string.format('{"writeKey":"demo","sentAt":"2026-11-23T14:05:06.789Z","batch":[%s]}', table.concat(list, ","))
    return wrk.format("POST", "/v1/batch", {["content-type"] = "application/json"}, batch)
  end
  local body = string.format(
    '{"source":{"id":"demo"},"session":{"id":"%s-%d"},"sent_at":"2026-11-23T14:05:06.789Z","context":{"library":{"name":"onetrail-js","version":"0.1.0"}},"events":[%s]}',
    salt, session, table.concat(list, ","))
  return wrk.format("POST", "/track", {["content-type"] = "text/plain"}, body)
end
