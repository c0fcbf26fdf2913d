import Foundation
import Records
import Testing

@Suite struct PlanTests {
  @Test func planPrintsStepTimeMemoryAndScalingTable() throws {
    let place = try Workplace()
    let plan = try place.run(
      "plan", "config.json", "--hosts", "4", "--bandwidth", "100mbit", "--latency", "1ms",
      "--seconds", "0.01", "--json")
    #expect(plan.status == 0, "\(plan)")
    let json = try OrderedJSON(parsing: try #require(plan.lines.first))
    #expect(json["bandwidth"] == .number(1e8))
    #expect(json["latency"] == .number(1e-3))
    #expect((json["memory_bytes"]?.integerValue ?? 0) > 0)
    let step = try #require(json["step"])
    let parts = ["compute_seconds", "moving_seconds", "exposed_exchange_seconds"]
    let sum = parts.reduce(0) { $0 + (step[$1]?.doubleValue ?? -1) }
    #expect(abs((step["step_seconds"]?.doubleValue ?? 0) - sum) < 1e-12)
    guard case .array(let growing)? = json["growing_batch"] else {
      Issue.record("no table in \(plan)")
      return
    }
    #expect(growing.map { $0["ranks"]?.integerValue } == (0...10).map { 1 << $0 })
    #expect(plan.errors.contains("| 1024 | 1024 | - | - | - | - |"), "\(plan)")
  }

  @Test func bf16GradientsNeedNoGroupsOnTheTimedCore() throws {
    let place = try Workplace()
    let options = ["plan", "config.json", "--hosts", "2", "--seconds", "0.01", "--json"]
    let whole = try Program(options, in: place.folder)
    let halved = try Program(
      options + [
        "--set", "exchange.compression=bf16", "--set", "exchange.compression_groups=2",
      ], in: place.folder)
    let seconds = try [whole, halved].map { plan in
      #expect(plan.status == 0, "\(plan)")
      let step = try OrderedJSON(parsing: try #require(plan.lines.first))["step"]
      return step?["gather_seconds"]?.doubleValue ?? 0
    }
    #expect(seconds[1] > 0 && seconds[1] < seconds[0])
    let refused = try Program(
      options + [
        "--set", "exchange.compression=bf16", "--set", "exchange.compression_groups=1",
      ], in: place.folder)
    #expect(refused.status == 2)
    #expect(refused.errors.contains("exchange.compression_groups"), "\(refused)")
  }

  /// Products of bf16 numbers are computed anywhere; who waits for them hears why they take long.
  @Test(arguments: ["portable", "avx2"])
  func bf16ProductsWithoutInstructionsAreSaid(isa: String) throws {
    let place = try Workplace()
    let precision = ["--set", "model.precision=bf16", "--isa", isa]
    let words = "remark      the instruction set \(isa) has no dot products of bf16 pairs"
    let other = "remark      this machine has no dot products of bf16 pairs (AVX512-BF16); fp32"
    let plan = ["plan", "config.json", "--hosts", "2", "--seconds", "0.01"]
    for command in [plan, ["config.json"]] {
      let said = try Program(command + precision, in: place.folder)
      if said.errors.contains("this machine has no '\(isa)' instructions") { continue }
      #expect(said.status == 0, "\(said)")
      let all = said.output + said.errors
      #expect(all.contains(words) != all.contains(other), "\(said)")
    }
    let exact = try Program(plan + ["--isa", isa], in: place.folder)
    #expect(!(exact.output + exact.errors).contains("bf16 pairs"), "\(exact)")
  }

  @Test func laboratoryClustersUseThisMachinesCores() throws {
    let place = try Workplace()
    let plan = try place.run(
      "plan", "config.json", "--hosts", "8", "--laboratory", "--threads", "1", "--seconds",
      "0.01", "--json")
    #expect(plan.status == 0, "\(plan)")
    let json = try OrderedJSON(parsing: try #require(plan.lines.first))
    #expect(json["laboratory"] == .bool(true))
    let cores = 8 * (json["cores"]?.doubleValue ?? 0)
    #expect(cores >= 1 && cores == cores.rounded(), "\(plan)")
  }

  @Test func invalidClustersAreErrors() throws {
    let place = try Workplace()
    for (options, words) in [
      (["--hosts", "0"], "--hosts: expected 1 to 1024"),
      (["--bandwidth", "fast"], "--bandwidth: expected a rate such as 100mbit"),
      (["--laboratory", "--cores", "2"], "--cores: --laboratory says how many"),
      (["--switch-nanoseconds", "2"], "expected 0 to 1000000 with --laboratory, found 2"),
      (["--latency", "1"], "--latency: expected a time such as 0.2ms or 50us, found 1"),
      (["--hosts", "9"], "9 ranks need a shard each, but there are 8 shards"),
    ] {
      let program = try Program(["plan", "config.json"] + options, in: place.folder)
      #expect(program.status == 2, "\(program)")
      #expect(program.errors.contains(words), "\(program)")
    }
  }
}

/// The benchmark of the exchange, which also checks every sum.
@Suite(.serialized) struct BenchExchangeTests {
  @Test(arguments: [2, 3])
  func everySizeIsMeasuredAndItsSumsVerified(ranks: Int) throws {
    let place = try Workplace()
    for shards in [nil, 8] {
      let options = shards.map { ["--shards", "\($0)"] } ?? []
      let program = try Program(
        ["bench", "exchange", "--largest", "300000", "--seconds", "0.01", "--json"] + options,
        ranks: ranks, in: place.folder)
      #expect(program.status == 0, "\(program)")
      let rows = try program.lines.map { try OrderedJSON(parsing: $0) }
      #expect(rows.map { $0["bytes"]?.integerValue } == [4096, 16384, 65536, 262_144])
      #expect(rows.allSatisfy { $0["ranks"]?.integerValue == ranks }, "\(program)")
      #expect(rows.allSatisfy { $0["shards"]?.integerValue == shards ?? ranks }, "\(program)")
      #expect(rows.allSatisfy { ($0["seconds"]?.doubleValue ?? 0) > 0 }, "\(program)")
      #expect(rows.allSatisfy { ($0["allreduce_seconds"]?.doubleValue ?? 0) > 0 }, "\(program)")
      #expect(program.errors.contains("MPI_Allreduce"), "\(program)")
    }
  }

  @Test func oneRankAndTooFewShardsAreErrors() throws {
    let place = try Workplace()
    let alone = try place.run("bench", "exchange")
    #expect(alone.status == 2, "\(alone)")
    #expect(alone.errors.contains("needs at least two ranks: mpirun -np 2"), "\(alone)")
    let few = try place.run("bench", "exchange", "--shards", "1", ranks: 2)
    #expect(few.status == 2, "\(few)")
    #expect(
      few.complaints == ["gru-dist: error: --shards: expected 2 (the ranks) to 4096, found 1"])
  }
}
