import Foundation
import Records
import Testing

/// `launch/slurm.sbatch`, with stand-ins for Slurm and for the program.
@Suite struct SlurmTests {
  private let scripts: ScriptFolder

  init() throws {
    scripts = try ScriptFolder()
    scripts.environment = [
      "SLURM_JOB_ID": "42", "SLURM_CPUS_PER_TASK": "4", "GRU_DIST": scripts.path("gru-dist"),
    ]
    try scripts.write("scontrol", #"echo "scontrol $*""#)
    try answer(isFinished: false)
  }

  /// What the program says of its run.
  private func answer(isFinished: Bool) throws {
    try scripts.write(
      "gru-dist",
      """
      case "$*" in
      *"--key run.directory") echo "$PWD/r" ;;
      *--finished) echo "asked: $*" >&2; exit \(isFinished ? 0 : 3) ;;
      esac
      """)
  }

  private func submit(
    _ options: String..., marker: String? = nil, meanwhile: (Process) -> Void = { _ in }
  ) throws -> (status: Int32, output: String) {
    try scripts.run("slurm.sbatch", ["c.json"] + options, marker: marker, meanwhile: meanwhile)
  }

  @Test func jobIsRequeuedAfterTheTimeLimitSignal() throws {
    // The ranks stop after a checkpoint.
    try scripts.write(
      "srun",
      #"echo "srun $*"; trap 'sleep 0.2; exit 75' USR2; touch "$MARKER"; "#
        + "while :; do sleep 0.05; done")
    let job = try submit("--set", "a=b", marker: "marker") { kill($0.processIdentifier, SIGUSR2) }
    #expect(job.status == 0, "\(job.output)")
    #expect(job.output.contains("gru-dist c.json --resume --threads 4 --set a=b"), "\(job.output)")
    #expect(job.output.contains("asked: check c.json --set a=b --finished"), "\(job.output)")
    #expect(job.output.contains("scontrol requeue 42"), "\(job.output)")
  }

  /// `scancel -b` sends it to the script, which mpirun's ranks of the first node belong to.
  @Test func jobStaysStoppedAfterTheSignalThatAsksForIt() throws {
    try scripts.write(
      "srun",
      #"trap 'sleep 0.2; exit 75' USR2; touch "$MARKER"; while :; do sleep 0.05; done"#)
    let job = try submit(marker: "marker") { kill($0.processIdentifier, SIGTERM) }
    #expect(job.status == 75, "\(job.output)")
    #expect(job.output.contains("stopped on request"), "\(job.output)")
    #expect(!job.output.contains("scontrol"), "\(job.output)")
  }

  @Test func checkpointSignalIsPassedOn() throws {
    try scripts.write(
      "srun",
      #"trap 'echo saves; exit 2' USR1; touch "$MARKER"; while :; do sleep 0.05; done"#)
    let job = try submit(marker: "marker") { kill($0.processIdentifier, SIGUSR1) }
    #expect(job.status == 2, "\(job.output)")
    #expect(job.output.contains("saves\n"), "\(job.output)")
  }

  /// While the script still asks the program for its values.
  @Test func limitBeforeTheLauncherIsPassedOnToIt() throws {
    try scripts.write(
      "gru-dist",
      """
      case "$*" in
      *"--key run.directory") touch "$MARKER"; sleep 0.5; echo "$PWD/r" ;;
      *--finished) exit 3 ;;
      esac
      """)
    try scripts.write("srun", "trap 'exit 75' USR2; for i in {1..400}; do sleep 0.05; done; exit 9")
    let job = try submit(marker: "marker") { kill($0.processIdentifier, SIGUSR2) }
    #expect(job.status == 0, "\(job.output)")
    #expect(job.output.contains("stopped before the time limit"), "\(job.output)")
    #expect(!job.output.contains("(status 9)"), "\(job.output)")
    #expect(job.output.contains("scontrol requeue 42"), "\(job.output)")
  }

  /// As long as it is away, and no longer where it says no.
  @Test(arguments: [true, false]) func requeueWaitsForTheController(comesBack: Bool) throws {
    try scripts.write("srun", "exit 1")
    try scripts.write(
      "sleep", #"if [ "$1" = 10 ]; then touch asked-again; fi; exec /bin/sleep 0.01"#)
    try scripts.write(
      "scontrol",
      """
      echo "scontrol $*" >&2
      if [ -e asked-again ] && \(comesBack); then exit 0; fi
      if [ -e asked-again ]; then state=UP; else state=DOWN; fi
      if [ "$1" = ping ]; then echo "Slurmctld(primary) at host1 is $state"; else exit 1; fi
      """)
    let job = try submit()
    #expect(job.status == (comesBack ? 0 : 1), "\(job.output)")
    let requests = job.output.split(separator: "\n").count { $0 == "scontrol requeue 42" }
    #expect(requests == 2, "\(job.output)")
    #expect(job.output.contains("Slurm does not queue it again") != comesBack, "\(job.output)")
  }

  /// Whatever srun or mpirun end with: with 0 when they have lost a node, too.
  @Test(arguments: [0, 137]) func finishedJobEndsWell(status: Int) throws {
    try answer(isFinished: true)
    try scripts.write("srun", "exit \(status)")
    let job = try submit()
    #expect(job.status == 0, "\(job.output)")
    #expect(!job.output.contains("scontrol"), "\(job.output)")
  }

  @Test(arguments: [0, 1, 137])
  func jobThatFailsIsQueuedAgainUntilItGetsNoFurther(status: Int) throws {
    try scripts.write("srun", "exit \(status)")
    for _ in 0..<4 {
      let job = try submit()
      #expect(job.status == 0, "\(job.output)")
      #expect(job.output.contains("scontrol requeue 42"), "\(job.output)")
    }
    // A newer checkpoint begins the count anew.
    try scripts.write("srun", "mkdir -p r/checkpoints/step-00000010; exit \(status)")
    #expect(try submit().output.contains("scontrol requeue 42"))
    try scripts.write("srun", "exit \(status)")
    for _ in 0..<4 { #expect(try submit().output.contains("scontrol requeue 42")) }
    let last = try submit()
    #expect(last.status == (status == 0 ? 1 : Int32(status)), "\(last.output)")
    #expect(!last.output.contains("scontrol"), "\(last.output)")
    #expect(last.output.contains("6 times in a row without a newer checkpoint; gives up"))
  }

  /// On the nodes that it has, as long as that brings it further.
  @Test func jobThatGetsFurtherIsStartedAgainWithoutTheQueue() throws {
    try scripts.write(
      "srun",
      """
      echo "start $GRU_DIST_LAUNCH"
      if [ -e r/checkpoints/step-00000020 ]; then exit 2; fi
      if [ -e r/checkpoints/step-00000010 ]; then next=20; else next=10; fi
      mkdir -p r/checkpoints/step-000000$next; exit 137
      """)
    let job = try submit()
    #expect(job.status == 2, "\(job.output)")
    let starts = job.output.split(separator: "\n").filter { $0.hasPrefix("start ") }
    #expect(starts == ["start slurm-42-0-1", "start slurm-42-0-2", "start slurm-42-0-3"])
    #expect(job.output.contains("the job failed (status 137); starts it again"), "\(job.output)")
    #expect(!job.output.contains("scontrol"), "\(job.output)")
  }

  /// Slurm has it stopped, and does not queue it again where it ends in time.
  @Test(arguments: [
    ("PreemptTime=2026-11-28T15:55:30 Restarts=0", "scontrol requeue 42", 0),
    ("PreemptTime=None Restarts=1", "stopped by Slurm, which queues it again", 75),
    ("PreemptTime=None Restarts=0", "stopped on request", 75),
  ])
  func jobThatSlurmStopsIsQueuedAgain(_ known: String, _ words: String, _ status: Int32) throws {
    try scripts.write(
      "scontrol",
      #"if [ "$1" = show ]; then echo "JobId=42 \#(known)"; else echo "scontrol $*"; fi"#)
    try scripts.write("srun", "exit 75")
    let job = try submit()
    #expect(job.status == status, "\(job.output)")
    #expect(job.output.contains(words), "\(job.output)")
  }

  @Test func refusedAndStoppedJobsStayEnded() throws {
    for status in [2, 75] as [Int32] {
      try scripts.write("srun", "exit \(status)")
      let job = try submit()
      #expect(job.status == status, "\(job.output)")
      #expect(!job.output.contains("scontrol"), "\(job.output)")
    }
    let wrong = try scripts.run("slurm.sbatch", [])
    #expect(wrong.status != 0)
    #expect(wrong.output.contains("usage: sbatch launch/slurm.sbatch CONFIG"), "\(wrong.output)")
  }

  /// A shell that srun started has them, and sbatch passes them on.
  @Test func variablesOfOtherRanksDoNotReachTheProgram() throws {
    scripts.environment["PMIX_RANK"] = "0"
    scripts.environment["SLURM_STEP_NUM_TASKS"] = "4"
    try scripts.write("srun", "exit 1")
    try scripts.write(
      "gru-dist",
      #"echo "sees ${PMIX_RANK-}${SLURM_STEP_NUM_TASKS-}" >&2; case "$*" in *key*) echo r ;; esac"#)
    let job = try submit()
    #expect(job.output.contains("sees \n"), "\(job.output)")
    #expect(!job.output.contains("sees 0"), "\(job.output)")
  }

  @Test func tasksOfAnArrayHaveRunsOfTheirOwn() throws {
    scripts.environment["SLURM_ARRAY_TASK_ID"] = "3"
    try scripts.write("srun", #"echo "srun $*"; exit 2"#)
    let job = try submit("--set", "run.seed=%a", "--run-directory", "runs/%a")
    #expect(job.output.contains("--set run.seed=3 --run-directory runs/3"), "\(job.output)")
  }

  @Test func programIsTheReleaseBuildOrElseTheDebugBuild() throws {
    scripts.environment["GRU_DIST"] = nil
    let missing = try submit()
    #expect(missing.status == 2)
    #expect(missing.output.contains("swift build -c release"), "\(missing.output)")
    try scripts.write("srun", #"echo "srun $*"; exit 2"#)
    for build in ["debug", "release"] {
      try scripts.write(
        ".build/\(build)/gru-dist", #"case "$*" in *--finished) exit 3 ;; *) echo r ;; esac"#)
      let job = try submit()
      #expect(job.output.contains(" .build/\(build)/gru-dist c.json"), "\(job.output)")
    }
  }
}
