import Records
import Testing

@Suite(.serialized) struct LocalUpdatesCommandTests {
  @Test func mpiLocalUpdatesEqualOneProcess() throws {
    let place = try Workplace()
    let keys = [
      "exchange.synchronize_every=4", "exchange.local_groups=4", "run.log_every=4",
      "run.validate_every=8", "run.checkpoint_every=4",
    ]
    func run(_ arguments: [String], _ name: String, ranks: Int?, threads: Int) throws -> Program {
      try Program(
        ["config.json", "--run-directory", name, "--threads", "\(threads)"]
          + keys.flatMap { ["--set", $0] } + arguments, ranks: ranks, in: place.folder)
    }
    let alone = try run([], "whole", ranks: nil, threads: 2)
    #expect(alone.status == 0, "\(alone)")
    let expected = try place.trajectory("whole")
    #expect(expected.count == 3)
    // Half a round from the start, on four ranks; the rest on two.
    let stopped = try run(["--stop-after", "2"], "walk", ranks: 4, threads: 1)
    #expect(stopped.status == 75, "\(stopped)")
    let resumed = try run(["--resume"], "walk", ranks: 2, threads: 2)
    #expect(resumed.status == 0, "\(resumed)")
    #expect(try place.trajectory("walk") == expected)
    let bytes = try place.records("walk").compactMap { $0["exchange_bytes"]?.integerValue }
    #expect(bytes.allSatisfy { $0 > 0 } && bytes.count == 3, "\(bytes)")

    let inspection = try place.run("inspect", "walk")
    #expect(inspection.output.contains("4 groups of shards apart"), "\(inspection)")
    #expect(inspection.output.contains("every 4 steps"), "\(inspection)")
    // An evaluation has no groups to keep together.
    let evaluation = try place.run("evaluate", "walk", ranks: 3)
    #expect(evaluation.status == 0, "\(evaluation)")
    let streams = try place.run("evaluate", "walk", "--streams", "6")
    #expect(streams.status == 0, "\(streams)")

    let odd = try run(["--set", "exchange.local_groups=8"], "odd", ranks: 3, threads: 1)
    #expect(odd.status == 2, "\(odd)")
    #expect(odd.complaints.count == 1, "\(odd)")
    #expect(odd.errors.contains("8 groups cannot be dealt to 3 ranks as wholes"), "\(odd)")
  }
}
