import Corpora
import Foundation
import NumericContract
import Testing

@Suite struct StreamPlanTests {
  /// A window of all sequences, [T, B] time-major.
  private func window(
    _ plan: StreamPlan, _ corpus: TokenCorpus, _ sequences: Range<Int>, _ index: Int
  ) -> (inputs: [Int32], targets: [Int32]) {
    var inputs = [Int32](repeating: -9, count: plan.window * sequences.count)
    var targets = inputs
    plan.fill(
      inputs: &inputs, targets: &targets, corpus: corpus, sequences: sequences,
      windowIndex: index)
    return (inputs, targets)
  }

  @Test func windowsOfAStreamContinueEachOther() throws {
    let bytes = (0..<250).map { UInt8($0) }
    try withTemporaryFile(bytes) { path in
      for kind in Tokenizer.Kind.allCases {
        // Every value below 128 is one byte in UTF-8 too.
        let text =
          switch kind {
          case .byte, .bytePair: bytes
          case .character: bytes.map { $0 & 0x7F }
          case .word: Array(bytes.map { "\($0)" }.joined(separator: " ").utf8)
          }
        try Data(text).write(to: URL(fileURLWithPath: path))
        let corpus = try TokenCorpus(path: path, learning: kind)
        let plan = StreamPlan(tokenRange: 3..<243, sequences: 5, window: 9, contract: .one)
        #expect(plan.streamLength == 47)
        #expect(plan.windowsPerEpoch == 5)
        for index in 0..<plan.windowsPerEpoch {
          let (inputs, targets) = window(plan, corpus, 0..<5, index)
          for t in 0..<9 {
            for b in 0..<5 {
              let place = 3 + b * 47 + index * 9 + t
              #expect(inputs[t * 5 + b] == corpus[place])
              #expect(targets[t * 5 + b] == corpus[place + 1])
            }
          }
        }
      }
    }
  }

  @Test func everySplitOfTheSequencesGivesTheSameTokens() throws {
    var generator = SeededGenerator(seed: 3)
    let bytes = (0..<5000).map { _ in UInt8.random(in: 0...255, using: &generator) }
    try withTemporaryFile(bytes) { path in
      let corpus = try TokenCorpus(path: path, learning: .byte)
      let plan = StreamPlan(tokenRange: 0..<5000, sequences: 12, window: 7, contract: .two)
      #expect(plan.lastSteps == 7)
      for index in [0, 1, plan.windowsPerEpoch - 1] {
        let whole = window(plan, corpus, 0..<12, index)
        for local in [0..<1, 0..<5, 5..<12, 11..<12, 4..<4] {
          let part = window(plan, corpus, local, index)
          for t in 0..<7 {
            for b in local {
              let place = t * local.count + b - local.lowerBound
              #expect(part.inputs[place] == whole.inputs[t * 12 + b])
              #expect(part.targets[place] == whole.targets[t * 12 + b])
            }
          }
        }
      }
    }
  }

  @Test func theSmallestRangeHasOneWindow() throws {
    try withTemporaryFile((0..<21).map { UInt8($0) }) { path in
      let corpus = try TokenCorpus(path: path, learning: .byte)
      let needed = StreamPlan.tokensNeeded(sequences: 4, window: 5)
      #expect(needed == 21)
      let plan = StreamPlan(tokenRange: 0..<needed, sequences: 4, window: 5, contract: .two)
      #expect(plan.windowsPerEpoch == 1)
      #expect(window(plan, corpus, 0..<4, 0).targets.max() == 20)
    }
  }

  @Test func stepsCountThroughEpochs() {
    let plan = StreamPlan(tokenRange: 0..<61, sequences: 4, window: 5, contract: .two)
    #expect(plan.windowsPerEpoch == 3)
    #expect(plan.position(ofStep: 0) == (0, 0))
    #expect(plan.position(ofStep: 2) == (0, 2))
    #expect(plan.position(ofStep: 3) == (1, 0))
    #expect(plan.position(ofStep: 10) == (3, 1))
  }

  @Test func lastWindowReadsWhatTheOthersLeave() throws {
    // Tokens are their places: 24 = 2 streams of 11, the second with one more target to come.
    try withTemporaryFile((0..<24).map { UInt8($0) }) { path in
      let corpus = try TokenCorpus(path: path, learning: .byte)
      let plan = StreamPlan(tokenRange: 0..<24, sequences: 2, window: 4, contract: .two)
      #expect(plan.fullWindows == 2)
      #expect(plan.lastSteps == 4)
      #expect(plan.lastTargets == 7)
      #expect(plan.targetsPerEpoch == 23)
      let (inputs, targets) = window(plan, corpus, 0..<2, 2)
      #expect(inputs == [8, 19, 9, 20, 10, 21, 11, 22])
      #expect(targets == [9, 20, 10, 21, 11, 22, -1, 23])
      #expect(window(plan, corpus, 1..<2, 2).targets == [20, 21, 22, 23])
    }
  }

  @Test func oneMoreWindowReadsWhatIsMoreThanAHundredth() throws {
    // 7 streams of 4 steps and 6 targets more, of which the shorter window has room for 2.
    try withTemporaryFile((0..<35).map { UInt8($0) }) { path in
      let corpus = try TokenCorpus(path: path, learning: .byte)
      let plan = StreamPlan(tokenRange: 0..<35, sequences: 7, window: 2, contract: .two)
      #expect(plan.fullWindows == 2)
      #expect(plan.lastSteps == 2)
      #expect(plan.restTargets == 4)
      #expect(plan.windowsPerEpoch == 4)
      #expect(plan.targetsPerEpoch == 34)
      #expect((0..<4).map(plan.targets(throughWindow:)) == [14, 28, 30, 34])
      let (inputs, targets) = window(plan, corpus, 0..<7, 3)
      #expect(inputs == [29, 30, 31, 32, 32, 32, 32, 30, 31, 32, 33, 33, 33, 33])
      #expect(targets == [-1, -1, -1, -1, -1, -1, -1, 31, 32, 33, 34, -1, -1, -1])
      #expect(window(plan, corpus, 2..<5, 3).targets == [-1, -1, -1, 33, 34, -1])
    }
  }

  @Test func everyTargetIsTrainedOnOnceAnEpochAndEarlierWindowsStay() throws {
    try withTemporaryFile((0..<250).map { UInt8($0) }) { path in
      let corpus = try TokenCorpus(path: path, learning: .byte)
      for count in [41, 42, 47, 100, 101, 203, 250] {
        for (sequences, length) in [(1, 7), (2, 9), (3, 4), (5, 8), (7, 5), (4, 10), (17, 2)] {
          let old = StreamPlan(
            tokenRange: 0..<count, sequences: sequences, window: length, contract: .one)
          let plan = StreamPlan(
            tokenRange: 0..<count, sequences: sequences, window: length, contract: .two)
          var counted: [Int32] = []
          for index in 0..<plan.windowsPerEpoch {
            let (inputs, targets) = window(plan, corpus, 0..<sequences, index)
            let written = plan.steps(ofWindow: index).count * sequences
            for (input, target) in zip(inputs[..<written], targets) where target >= 0 {
              #expect(target == input + 1)
              counted.append(target)
            }
            if index < old.windowsPerEpoch {
              #expect(window(old, corpus, 0..<sequences, index) == (inputs, targets))
            }
          }
          #expect(Set(counted).count == counted.count)
          #expect(counted.count == plan.targetsPerEpoch)
          // The shorter window is no longer than the others; another one follows where it leaves
          // out more than a hundredth.
          let left = count - 1 - plan.targetsPerEpoch
          let rest = max(0, (count - 1) % sequences + plan.streamLength % length - length)
          #expect(left == (rest > (count - 1) / 100 ? 0 : rest))
          #expect(plan.restTargets == rest - left)
          #expect(plan.targets(throughWindow: plan.windowsPerEpoch - 1) == plan.targetsPerEpoch)
        }
      }
    }
  }

  @Test func hugeSizesAreErrorsAndDoNotTrap() {
    #expect(StreamPlan.tokensNeeded(sequences: .max, window: .max) == .max)
    #expect(StreamPlan.tokensNeeded(sequences: .max, window: 1) == .max)
  }
}

@Suite struct EvaluationPlanTests {
  @Test func everyTargetIsCountedExactlyOnceAndFollowsItsInput() throws {
    // Values are places, so that a token tells where it came from; 250 tokens fit a byte.
    try withTemporaryFile((0..<250).map { UInt8($0) }) { path in
      let corpus = try TokenCorpus(path: path, learning: .byte)
      for count in [2, 3, 8, 9, 10, 33, 64, 65, 66, 129, 200, 249] {
        for (sequences, window) in [(1, 1), (1, 8), (4, 8), (8, 8), (7, 5), (16, 3), (300, 2)] {
          let plan = EvaluationPlan(
            tokenRange: 1..<1 + count, sequences: sequences, window: window)
          let counted = targets(of: plan, corpus, window: window, sequences: sequences)
          #expect(
            counted.sorted() == (2..<1 + count).map { Int32($0) },
            "\(count) tokens, \(sequences) × \(window)")
        }
      }
    }
  }

  /// The targets that the plan counts over all windows; checks each against its input.
  private func targets(
    of plan: EvaluationPlan, _ corpus: TokenCorpus, window: Int, sequences: Int
  ) -> [Int32] {
    var counted: [Int32] = []
    var inputs = [Int32](repeating: -9, count: window * sequences)
    var targets = inputs
    var last = [Int32?](repeating: nil, count: sequences)
    for index in 0..<plan.windowCount {
      plan.fill(
        inputs: &inputs, targets: &targets, corpus: corpus, sequences: 0..<sequences,
        windowIndex: index)
      for t in 0..<window {
        for b in 0..<sequences {
          let (input, target) = (inputs[t * sequences + b], targets[t * sequences + b])
          if target < 0 {
            #expect(target == -1 && input == 0)
            continue
          }
          #expect(target == input + 1)
          if let last = last[b] { #expect(input == last) }
          last[b] = target
          counted.append(target)
        }
      }
    }
    return counted
  }

  @Test func partsOfTheSequencesAgreeWithTheWhole() throws {
    try withTemporaryFile((0..<100).map { UInt8($0) }) { path in
      let corpus = try TokenCorpus(path: path, learning: .byte)
      let plan = EvaluationPlan(tokenRange: 0..<100, sequences: 6, window: 4)
      for index in 0..<plan.windowCount {
        var whole = [Int32](repeating: -9, count: 24)
        var wholeTargets = whole
        plan.fill(
          inputs: &whole, targets: &wholeTargets, corpus: corpus, sequences: 0..<6,
          windowIndex: index)
        var part = [Int32](repeating: -9, count: 8)
        var partTargets = part
        plan.fill(
          inputs: &part, targets: &partTargets, corpus: corpus, sequences: 4..<6,
          windowIndex: index)
        for t in 0..<4 {
          #expect(Array(part[t * 2..<t * 2 + 2]) == Array(whole[t * 6 + 4..<t * 6 + 6]))
          #expect(
            Array(partTargets[t * 2..<t * 2 + 2]) == Array(wholeTargets[t * 6 + 4..<t * 6 + 6]))
        }
      }
    }
  }

  @Test func shortTextsStartFewStreams() {
    // 20 targets are two windows of 10: two streams of one window, not ten of two tokens.
    let plan = EvaluationPlan(tokenRange: 0..<21, sequences: 10, window: 10)
    #expect(plan.streamLength == 10)
    #expect(plan.windowCount == 1)
  }
}

@Suite struct CorpusSplitTests {
  private func corpus(_ count: Int) throws -> TokenCorpus {
    try withTemporaryFile([UInt8](repeating: 65, count: count)) {
      try TokenCorpus(path: $0, learning: .byte)
    }
  }

  @Test func validationIsTheTailOfTheText() throws {
    let split = try CorpusSplit(
      train: corpus(1000), valid: nil, validFraction: 0.1, sequences: 4, window: 16)
    #expect(split.training.range == 0..<900)
    #expect(split.validation?.range == 900..<1000)
    #expect(split.validation?.targetBytes == 99)
  }

  @Test func fractionZeroHoldsNothingOut() throws {
    let split = try CorpusSplit(
      train: corpus(1000), valid: nil, validFraction: 0, sequences: 4, window: 16)
    #expect(split.training.range == 0..<1000)
    #expect(split.validation == nil)
  }

  @Test func separateValidationTextHoldsNothingOut() throws {
    let split = try CorpusSplit(
      train: corpus(1000), valid: corpus(50), validFraction: 0.1, sequences: 4, window: 16)
    #expect(split.training.range == 0..<1000)
    #expect(split.validation?.range == 0..<50)
  }

  @Test func tooShortTrainingRangeNamesTheKeys() throws {
    let train = try corpus(70)
    let error = CorpusError.tooShort(
      path: train.path, use: "training", tokens: 63, needed: 65,
      keys: ["data.valid_fraction", "batch.sequences", "batch.window"])
    #expect(throws: error) {
      try CorpusSplit(train: train, valid: nil, validFraction: 0.1, sequences: 4, window: 16)
    }
    #expect(error.description.contains("63 tokens, expected at least 65"))
  }

  @Test func tooShortValidationRangeNamesTheKeys() throws {
    let train = try corpus(100)
    let valid = try corpus(16)
    #expect(
      throws: CorpusError.tooShort(
        path: train.path, use: "validation", tokens: 10, needed: 17,
        keys: ["data.valid_fraction", "batch.window"])
    ) {
      try CorpusSplit(train: train, valid: nil, validFraction: 0.1, sequences: 4, window: 16)
    }
    #expect(
      throws: CorpusError.tooShort(
        path: valid.path, use: "validation", tokens: 16, needed: 17, keys: ["batch.window"])
    ) {
      try CorpusSplit(train: train, valid: valid, validFraction: 0.1, sequences: 4, window: 16)
    }
  }

  @Test(arguments: [-0.1, 1, 1.5, .nan, .infinity])
  func rejectsFractionsOutsideTheUnitInterval(fraction: Double) throws {
    let train = try corpus(100)
    #expect(throws: CorpusError.self) {
      try CorpusSplit(train: train, valid: nil, validFraction: fraction, sequences: 1, window: 1)
    }
  }
}
