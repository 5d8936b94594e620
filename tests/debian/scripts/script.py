"""mmap, multiprocessing by fork, threading and subprocess of Python."""

import mmap
import multiprocessing
import os
import signal
import subprocess
import sys
import threading


def mappings():
    with open("mapped", "w+b") as file:
        file.truncate(3 * mmap.PAGESIZE + 100)
        with mmap.mmap(file.fileno(), 0) as shared:
            shared[mmap.PAGESIZE - 2 : mmap.PAGESIZE + 2] = b"page"
            shared.flush()
            file.seek(mmap.PAGESIZE - 2)
            print(file.read(4), len(shared), shared.find(b"age"), shared.rfind(b"\0"))
            os.pwrite(file.fileno(), b"written", 2 * mmap.PAGESIZE)
            print(shared[2 * mmap.PAGESIZE : 2 * mmap.PAGESIZE + 7])
            shared.resize(mmap.PAGESIZE)
            print(len(shared), os.fstat(file.fileno()).st_size)
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY) as private:
            private[:4] = b"mine"
            print(os.pread(file.fileno(), 4, 0))
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as readable:
            try:
                readable[0] = 1
            except TypeError as error:
                print(error)
    anonymous = mmap.mmap(-1, mmap.PAGESIZE)
    if (child := os.fork()) == 0:
        anonymous[:5] = b"child"
        os._exit(9)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), anonymous[:5])
    anonymous.madvise(mmap.MADV_DONTNEED)
    anonymous.close()


def square(inbox, outbox, total, ready):
    ready.wait()
    while (n := inbox.get()) is not None:
        with total.get_lock():
            total.value += n
        outbox.send((n, n * n))
    sys.exit(3)


def processes():
    context = multiprocessing.get_context("fork")
    inbox, total, ready = context.SimpleQueue(), context.Value("i", 0), context.Event()
    here, there = context.Pipe()
    workers = [context.Process(target=square, args=(inbox, there, total, ready)) for _ in range(3)]
    for worker in workers:
        worker.start()
    ready.set()
    for n in range(30):
        inbox.put(n)
    print(sorted(here.recv() for _ in range(30))[-2:], total.value)
    for _ in workers:
        inbox.put(None)
    for worker in workers:
        worker.join()
    print([worker.exitcode for worker in workers])
    stuck = context.Process(target=signal.pause)
    stuck.start()
    stuck.terminate()
    stuck.join()
    print(stuck.exitcode)


def threads():
    condition, queue, taken = threading.Condition(), [], []
    barrier, local = threading.Barrier(4), threading.local()

    def consume():
        local.count = 0
        barrier.wait()
        while True:
            with condition:
                condition.wait_for(lambda: queue)
                item = queue.pop(0)
            if item is None:
                break
            taken.append(item)
            local.count += 1

    pool = [threading.Thread(target=consume) for _ in range(3)]
    for thread in pool:
        thread.start()
    barrier.wait()
    for item in [*range(500), None, None, None]:
        with condition:
            queue.append(item)
            condition.notify()
    for thread in pool:
        thread.join()
    print(sorted(taken) == list(range(500)), hasattr(local, "count"), threading.active_count())
    timer = threading.Timer(0.02, print, ["timer"])
    timer.start()
    timer.join()
    lock = threading.Lock()
    lock.acquire()
    print(lock.acquire(timeout=0.02))


def programs():
    done = subprocess.run(["sort", "-r"], input=b"a\nb\nc\n", capture_output=True, check=True)
    print(done.stdout)
    done = subprocess.run("echo out; echo err >&2; exit 4", shell=True, capture_output=True, text=True)
    print(done.returncode, done.stdout, done.stderr)
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True) as cat:
        print(cat.communicate(b"x" * 200_000)[0] == b"x" * 200_000)
    try:
        subprocess.run(["sleep", "100"], timeout=0.05)
    except subprocess.TimeoutExpired as error:
        print(error.timeout)
    done = subprocess.run(["sh", "-c", "kill -SEGV $$"], preexec_fn=lambda: os.umask(0o77))
    print(done.returncode)
    try:
        subprocess.run(["absent-program"])
    except FileNotFoundError as error:
        print(error)
    print(subprocess.check_output(["sh", "-c", "echo $X $0; pwd | wc -l"], env={"X": "from here", "PATH": os.environ["PATH"]}))


for part in (mappings, processes, threads, programs):
    print(f"-- {part.__name__}", flush=True)
    part()
os.remove("mapped")
os.kill(os.getpid(), signal.SIGTERM)
