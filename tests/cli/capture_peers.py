"""What others say of the same traffic, compared with ztt-capture; ends with what differs.

capture_peers qlog QLOG PEER REPORT: the packets of a qlog (0.3) of `ztt-capture qlog` are the first of those in the server's own (JSON-SEQ, 0.3),
with the same lengths and frames, and as many as `report --json` counts. The capture may end before the connection.
capture_peers wireguard CAPTURE REPORT: the counters that a relay in the capture let pass, and those that it did not.
capture_peers tshark TREE FIELDS: `read -V` and `tshark -T fields` (frame number, packet numbers, frame types, expert messages) have the same
packet numbers and types of frames in each captured frame that tshark decrypts: super-datagrams it does not.
"""
import collections
import json
import re
import struct
import sys


def frame_of(frame):
    kind = frame['frame_type']
    ranges = frame.get('acked_ranges')
    # One number may be written [7] or [7, 7]; how much padding, or how long a token, is said by one of them.
    return (kind, frame.get('stream_id'), frame.get('offset'), frame.get('length') if kind in ('stream', 'crypto') else None,
        ranges and sorted((r[0], r[-1]) for r in ranges))


def packets_of(events, sent):
    found = collections.OrderedDict()
    for event in events:
        if event.get('name') not in ('transport:packet_sent', 'transport:packet_received'):
            continue
        header = event['data']['header']
        if 'packet_number' not in header:
            continue
        by_client = (event['name'] == 'transport:packet_sent') == sent
        key = by_client, header['packet_type'].replace('1rtt', '1RTT'), header['packet_number']
        assert key not in found, 'twice: %s' % (key,)
        found[key] = event['data']['raw']['length'], [frame_of(f) for f in event['data']['frames']]
    return found


def compare_qlog(qlog, peer, report):
    trace = json.load(open(qlog))['traces'][0]
    ours = packets_of(trace['events'], trace['vantage_point']['flow'] == 'client')
    theirs = packets_of([json.loads(line.strip('\x1e\n ')) for line in open(peer)], False)
    first = min(number for client, kind, number in theirs if client and kind == 'initial')
    faults, spaces = [], collections.defaultdict(list)
    for key, packet in ours.items():
        spaces[key[:2]].append(key[2])
        # What was answered by Retry is no packet of the server's connection.
        if key in theirs and packet != theirs[key]:
            faults.append('%s: %s, the server says %s' % (key, packet, theirs[key]))
        elif key not in theirs and not (key[0] and key[1] == 'initial' and key[2] < first):
            faults.append('%s: not in the server\'s' % (key,))
    faults += ['%s: numbers are missing' % (space,) for space, numbers in spaces.items()
        if sorted(numbers) != list(range(len(numbers)))]
    retried = int(first > 0)
    for way in json.load(open(report))['connections'][0]['directions']:
        count = sum(key[0] == (way['from'] == 'client') for key in ours)
        if way['packets'] != count + (retried if way['from'] == 'server' else 0):
            faults.append('report counts %d packets of the %s, not %d' % (way['packets'], way['from'], count))
    assert len(ours) > 240, len(ours)
    return faults


def of_tree(text):
    found = collections.defaultdict(lambda: ([], []))
    frame = None
    for line in text:
        if begin := re.match(r'frame (\d+):', line):
            frame = found[int(begin[1])]
        elif number := re.match(r'    packet number +(\d+)', line):
            frame[0].append(int(number[1]))
        elif kind := re.match(r'    [A-Z_]+ \(type (0x[0-9a-f]+)\)', line):
            frame[1].append(int(kind[1], 16))
    return found


def compare_tshark(tree, fields):
    ours, faults, compared = of_tree(open(tree)), [], 0
    for line in open(fields):
        number, packets, kinds, message = line.rstrip('\n').split('\t')
        if 'Decryption' in message:
            continue
        theirs = [int(n) for n in packets.split(',') if n], [int(k, 0) for k in kinds.split(',') if k]
        compared += 1
        if theirs != tuple(ours.get(int(number), ([], []))):
            faults.append('frame %s: %s, tshark says %s' % (number, ours.get(int(number)), theirs))
    assert compared > 20, compared
    return faults


# Cooked v2, IPv4, UDP, in both directions through one relay; the capture's beginning and end are seen at one side of it only.
def compare_wireguard(capture, report):
    data, at, seen = open(capture, 'rb').read(), 24, collections.defaultdict(lambda: collections.defaultdict(set))
    while at < len(data):
        size = struct.unpack('<I', data[at + 8:at + 12])[0]
        packet, at = data[at + 16:at + 16 + size], at + 16 + size
        message = packet[20 + 20 + 8:]
        if message[0] == 4:
            interface, (index, counter) = packet[4:8], struct.unpack('<IQ', message[4:16])
            seen[index][interface].add(counter)
    ways = json.load(open(report))['connections'][0]['directions']
    told = [way['lost'] for way in ways]
    lost = [sum(1 for n in max(hops.values(), key=len) - min(hops.values(), key=len) if n < max(min(hops.values(), key=len)))
        for hops in seen.values()]
    return [] if told == lost else ['%s lost, the capture says %s' % (told, lost)]


compare = {'qlog': compare_qlog, 'tshark': compare_tshark, 'wireguard': compare_wireguard}[sys.argv[1]]
sys.exit('\n'.join(compare(*sys.argv[2:])) or None)
