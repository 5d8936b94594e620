"""A Perfetto trace, read by the classes that Perfetto's own package generates from its public schema."""

import quire
from tests.python.test_hooks import PROGRAM

from .test_packages import needed

schema = needed("perfetto.protos.perfetto.trace.perfetto_trace_pb2")


def test_slices_instants_and_tracks(compile_c, tmp_path):
    with quire.Machine.supervisor(ram="64M") as m:
        r = m.record("syscall", "context_switch", "page_fault", "exec", "fork", "exit")
        p = m.spawn([compile_c(PROGRAM)])
        m.run(until=p.exited)
        r.write_trace(tmp_path / "trace.pftrace")
        pid, exits, faults = p.pid, r.filter("syscall_exit", pid=p.pid), list(r.filter("page_fault", pid=p.pid))
    trace = schema.Trace.FromString((tmp_path / "trace.pftrace").read_bytes())
    assert len(trace.packet) > 50
    assert trace.packet[0].sequence_flags == schema.TracePacket.SEQ_INCREMENTAL_STATE_CLEARED
    assert {packet.trusted_packet_sequence_id for packet in trace.packet} == {1}
    tracks = {packet.track_descriptor.uuid: packet.track_descriptor for packet in trace.packet if packet.HasField("track_descriptor")}
    own = next(track for track in tracks.values() if track.process.pid == pid)
    assert own.process.process_name.startswith("program")
    running = next(track for track in tracks.values() if track.parent_uuid == own.uuid)
    events = [packet for packet in trace.packet if packet.HasField("track_event")]
    assert [packet.timestamp for packet in events] == sorted(packet.timestamp for packet in events)
    assert {packet.track_event.track_uuid for packet in events} <= set(tracks)
    kinds = schema.TrackEvent
    mine = [packet for packet in events if packet.track_event.track_uuid == own.uuid]
    begins = [packet for packet in mine if packet.track_event.type == kinds.TYPE_SLICE_BEGIN and packet.track_event.name != "exit_group"]
    assert [packet.track_event.name for packet in begins] == [e.nr for e in exits]
    written = next(packet.track_event for packet in begins if packet.track_event.name == "write")
    assert {a.name: a.int_value for a in written.debug_annotations}["result"] == len("done\n")
    instants = [packet for packet in mine if packet.track_event.type == kinds.TYPE_INSTANT and packet.track_event.name == "page_fault"]
    assert [packet.timestamp for packet in instants] == [e.icount for e in faults] and len(faults) > 10
    for track in (own, running):  # each slice that begins ends, before the next begins
        open_slices = 0
        for packet in (one.track_event for one in events if one.track_event.track_uuid == track.uuid):
            open_slices += {kinds.TYPE_SLICE_BEGIN: 1, kinds.TYPE_SLICE_END: -1}.get(packet.type, 0)
            assert 0 <= open_slices <= 1
        assert open_slices == 0
