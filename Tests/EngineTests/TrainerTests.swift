import Collectives
import Configuration
import Corpora
import Engine
import Foundation
import GRUCore
import Kernels
import Testing

@Suite struct TrainerTests {
  @Test func trajectoryIsBitIdenticalAtAnyRankAndThreadCount() throws {
    let problem = try TrainingProblem()
    defer { problem.remove() }
    let alone = try problem.trajectory(ranks: 1, threads: 1, steps: 6)
    for (ranks, threads) in [
      (1, 2), (1, 3), (1, 8), (2, 1), (2, 3), (3, 1), (3, 2), (4, 2), (8, 1),
    ] {
      let other = try problem.trajectory(ranks: ranks, threads: threads, steps: 6)
      #expect(other == alone, "\(ranks) ranks x \(threads) threads")
    }
  }

  /// Parameters still on their way at the end of a step, small and large buckets, and both ways of
  /// moving the exchange along.
  @Test(arguments: ["poll", "thread"])
  func overlappedExchangeIsBitIdentical(progress: String) throws {
    let problem = try TrainingProblem("exchange.progress=\(progress)")
    defer { problem.remove() }
    let alone = try problem.trajectory(ranks: 1, threads: 1, steps: 6)
    for (ranks, threads, bucketBytes) in [
      (2, 1, 16 << 10), (2, 2, 1), (3, 1, 1), (3, 2, 16 << 10), (4, 1, 64 << 10),
    ] {
      let other = try problem.trajectory(
        ranks: ranks, threads: threads, steps: 6, bucketBytes: bucketBytes,
        synchronizesEachStep: false)
      #expect(other.last == alone.last, "\(ranks) ranks x \(threads) threads")
      #expect(other.first == alone[5])
    }
  }

  @Test func bf16IsBitIdenticalAtAnyRankAndThreadCount() throws {
    let problem = try TrainingProblem("model.precision=bf16")
    defer { problem.remove() }
    let alone = try problem.trajectory(ranks: 1, threads: 1, steps: 6)
    for (place, (ranks, threads)) in [(1, 2), (1, 3), (2, 1), (3, 2), (4, 1), (8, 1)].enumerated() {
      let sets = InstructionSet.available
      let set = sets[place % sets.count].rawValue
      let other = try problem.trajectory(ranks: ranks, threads: threads, steps: 6, isa: set)
      #expect(other == alone, "\(ranks) ranks x \(threads) threads, \(set)")
    }
    let exact = try TrainingProblem()
    defer { exact.remove() }
    #expect(try exact.trajectory(ranks: 1, threads: 1, steps: 6) != alone)
  }

  @Test func everyInstructionSetIsBitIdentical() throws {
    let problem = try TrainingProblem("model.reset=after")
    defer { problem.remove() }
    let results = try InstructionSet.available.map {
      try problem.trajectory(ranks: 2, threads: 1, steps: 3, isa: $0.rawValue)
    }
    #expect(results.allSatisfy { $0 == results[0] })
  }

  @Test(arguments: ["adam", "adamw", "sgd", "rmsprop", "adagrad", "asgd"])
  func everyOptimizerIsBitIdenticalAtAnyRankCount(name: String) throws {
    let hasMomentum = name.hasSuffix("sgd")
    var assignments = [
      "optimizer.name=\(name)", "optimizer.weight_decay=0.01",
      "optimizer.learning_rate=\(hasMomentum ? 0.5 : 0.01)", "batch.shards=4",
    ]
    if hasMomentum { assignments.append("optimizer.momentum=0.9") }
    let problem = try TrainingProblem(assignments)
    defer { problem.remove() }
    let alone = try problem.trajectory(ranks: 1, threads: 1, steps: 20)
    #expect(try problem.trajectory(ranks: 3, threads: 1, steps: 20) == alone)
    func loss(_ line: String) -> Double { Double(line.split(separator: " ")[1]) ?? .nan }
    #expect(loss(alone[19]) < 0.9 * loss(alone[0]), "\(alone)")
  }

  @Test func averagedParametersAreTheMeanAndDoNotChangeSteps() throws {
    let plain = try TrainingProblem("optimizer.learning_rate=0.01")
    let averaged = try TrainingProblem(
      "optimizer.learning_rate=0.01", "optimizer.ema_decay=0.75")
    defer {
      plain.remove()
      averaged.remove()
    }
    let results = try ThreadWorld.run(ranks: 3) { communicator in
      let (bare, _) = try plain.trainer(on: communicator)
      let (trainer, _) = try averaged.trainer(on: communicator, threads: 2)
      let count = trainer.replica.parameters.count
      var mean = [Double](repeating: 0, count: count)
      for step in 1...9 {
        _ = try bare.performStep()
        _ = try trainer.performStep()
        // All alike for four steps, then a fourth for the newest.
        let weight = max(0.25, 1 / Double(step))
        for i in 0..<count {
          mean[i] += weight * (Double(trainer.replica.parameters.pointer[i]) - mean[i])
        }
        #expect(try trainer.fingerprint() == bare.fingerprint())
      }
      let largest = try trainer.engine.withAverage {
        mean.indices.map { abs(Double(trainer.replica.parameters.pointer[$0]) - mean[$0]) }.max()!
      }
      #expect(try trainer.fingerprint() == bare.fingerprint())
      return largest
    }
    #expect(results.allSatisfy { $0 < 1e-6 }, "\(results)")
    #expect(Set(results).count == 1)
  }

  @Test func accumulationIsBitIdenticalAtAnyRankCount() throws {
    let problem = try TrainingProblem("batch.accumulate=3")
    defer { problem.remove() }
    let alone = try problem.trajectory(ranks: 1, threads: 1, steps: 4)
    for (ranks, threads) in [(1, 3), (2, 1), (3, 2), (8, 1)] {
      let other = try problem.trajectory(ranks: ranks, threads: threads, steps: 4)
      #expect(other == alone, "\(ranks) ranks x \(threads) threads")
    }
  }

  /// With a rate that changes nothing, the gradient of a step is the sum of those of its windows.
  @Test func accumulationSumsTheGradientsOfItsWindows() throws {
    let common = ["optimizer.learning_rate=1e-30", "optimizer.name=sgd"]
    var single = try TrainingProblem(common[0], common[1])
    // Gradients are looked at after steps.
    single.use = .apart
    let triple = try TrainingProblem(common[0], common[1], "batch.accumulate=3")
    defer {
      single.remove()
      triple.remove()
    }
    let results = try ThreadWorld.run(ranks: 2) { communicator in
      let (one, _) = try single.trainer(on: communicator)
      let (three, _) = try triple.trainer(on: communicator, threads: 2)
      var differences: [Double] = []
      for _ in 0..<3 {
        var (loss, tokens) = (0.0, 0)
        var sum = [Double](repeating: 0, count: one.replica.parameters.count)
        for _ in 0..<3 {
          let outcome = try one.performStep()
          loss += outcome.loss * Double(outcome.tokens)
          tokens += outcome.tokens
          for slice in one.optimizer.slices {
            for element in slice.elements { sum[element] += Double(one.engine.gradient[element]) }
          }
        }
        let outcome = try three.performStep()
        #expect(outcome.tokens == tokens)
        #expect(abs(outcome.loss - loss / Double(tokens)) < 1e-12)
        for slice in three.optimizer.slices {
          for element in slice.elements {
            differences.append(abs(Double(three.engine.gradient[element]) - sum[element]))
          }
        }
      }
      return differences.max() ?? .infinity
    }
    // Two roundings of sums of some tens.
    #expect(results.allSatisfy { $0 < 1e-4 }, "\(results)")
  }

  @Test func anEpochStartsWithZeroStateAndItsFirstWindow() throws {
    let problem = try TrainingProblem("optimizer.learning_rate=1e-30", "optimizer.name=sgd")
    defer { problem.remove() }
    let (trainer, setup) = try problem.trainer(on: SoloCommunicator())
    guard case .corpus(_, let plan, _) = setup.batches else { return }
    var losses: [Double] = []
    for _ in 0..<plan.windowsPerEpoch + 3 { losses.append(try trainer.performStep().loss) }
    // The rate is too small to change a parameter, so that the second epoch repeats the first.
    #expect(Array(losses.suffix(3)) == Array(losses.prefix(3)))
    #expect(Set(losses).count > 3)
    #expect(trainer.engine.batches.source.epoch(ofStep: plan.windowsPerEpoch) == 0)
    #expect(trainer.engine.batches.source.epoch(ofStep: plan.windowsPerEpoch + 1) == 1)
  }

  @Test func clippingBoundsTheUpdateAndReportsTheNormBefore() throws {
    let free = try TrainingProblem("optimizer.name=sgd", "optimizer.clip_norm=0")
    let clipped = try TrainingProblem("optimizer.name=sgd", "optimizer.clip_norm=0.001")
    defer {
      free.remove()
      clipped.remove()
    }
    func move(_ problem: TrainingProblem) throws -> (norm: Double, distance: Double) {
      let (trainer, _) = try problem.trainer(on: SoloCommunicator())
      let before = Array(
        UnsafeBufferPointer(
          start: trainer.replica.parameters.pointer, count: trainer.replica.parameters.count))
      let outcome = try trainer.performStep()
      let squares = before.indices.reduce(0.0) {
        let difference = Double(trainer.replica.parameters.pointer[$1] - before[$1])
        return $0 + difference * difference
      }
      return (outcome.gradientNorm, squares.squareRoot() / outcome.learningRate)
    }
    let (freeNorm, freeDistance) = try move(free)
    let (clippedNorm, clippedDistance) = try move(clipped)
    #expect(freeNorm == clippedNorm)
    // Single-precision rounding of parameters near 1 leaves some thousandths of so small a step.
    #expect(abs(freeDistance / freeNorm - 1) < 1e-2)
    #expect(abs(clippedDistance / 0.001 - 1) < 5e-2)
  }

  @Test func momentsAndStateGatherAndScatterExactly() throws {
    let problem = try TrainingProblem()
    defer { problem.remove() }
    func snapshot(ranks: Int) throws -> [Float] {
      let results: [[Float]] = try ThreadWorld.run(ranks: ranks) { communicator in
        let (trainer, _) = try problem.trainer(on: communicator)
        for _ in 0..<3 { _ = try trainer.performStep() }
        let names = trainer.optimizer.rule.momentNames
        let snapshot = CheckpointSnapshot(of: trainer.memory)
        #expect(try snapshot.capture() == trainer.fingerprint())
        try snapshot.startTransfers()
        try snapshot.finishTransfers()
        var values: [Float] = []
        if communicator.rank == 0 {
          for tensor in snapshot.tensors.model + snapshot.tensors.optimizer {
            values += UnsafeBufferPointer(
              start: tensor.floats, count: tensor.shape.reduce(1, *))
          }
        }
        // Back again, from rank 0's arenas, into emptied moments and states.
        for moment in names.indices {
          trainer.optimizer.moment(moment).update(
            repeating: 0, count: trainer.optimizer.count)
        }
        trainer.replica.resetState()
        try snapshot.restore()
        let next = try trainer.performStep()
        return communicator.rank == 0 ? values + [Float(next.loss)] : []
      }
      return results[0]
    }
    let alone = try snapshot(ranks: 1)
    for ranks in [2, 3, 4] { #expect(try snapshot(ranks: ranks) == alone) }
  }

  @Test func nonFiniteValueStopsEveryRankAndNamesItsPlace() throws {
    let problem = try TrainingProblem()
    defer { problem.remove() }
    let messages = try ThreadWorld.run(ranks: 3) { communicator in
      let (trainer, _) = try problem.trainer(on: communicator)
      _ = try trainer.performStep()
      // Only the state of a sequence of the last rank is damaged.
      if communicator.rank == 2 {
        let worker = trainer.replica.workers[0]
        var state = [Float](repeating: 0, count: trainer.replica.shape.hiddenSize)
        state[3] = .nan
        worker.writeState(vector: 1, sequence: worker.sequences.upperBound - 1, from: state)
      }
      do {
        _ = try trainer.performStep()
        return "no error"
      } catch let error as NonFiniteError {
        return "\(trainer.step) \(error)"
      }
    }
    #expect(Set(messages).count == 1)
    #expect(messages[0].hasPrefix("1 step 2: loss nan"), "\(messages[0])")
    let place = "first in rank 2: states, layer 1, time step 0, row 15"
    #expect(messages[0].contains(place), "\(messages[0])")
  }

  @Test func stopRequestToOneRankStopsAll() throws {
    let problem = try TrainingProblem()
    defer { problem.remove() }
    let stops = try ThreadWorld.run(ranks: 3) { communicator in
      let (trainer, _) = try problem.trainer(on: communicator)
      let first = try trainer.performStep().requests.contains(.stop)
      let second = try trainer.performStep(requests: communicator.rank == 1 ? .stop : [])
        .requests.contains(.stop)
      return [first, second]
    }
    #expect(stops.allSatisfy { $0 == [false, true] })
  }
}
