"""Preemption: how a run under SLURM gives way before its time is up, and goes on by itself later.

SLURM sends SIGUSR1 ahead of the end where it is asked to (``#SBATCH --signal=USR1@90``). The run
keeps its step, asks to be queued again and ends; when SLURM starts it again, it resumes.
"""

import logging
import os
import shutil
import signal
import subprocess

logger = logging.getLogger(__name__)


def is_restarted() -> bool:
    """Tell whether SLURM has started this job before."""
    return int(os.environ.get("SLURM_RESTART_COUNT", "0")) > 0


def requeue(received: int) -> bool:
    """Put this process's SLURM job back into the queue, if it is to be; say whether it was.

    Parameters
    ----------
    received
        The signal that ended the run: only SIGUSR1 asks for this.
    """
    job = os.environ.get("SLURM_JOB_ID")
    # Windows has no such signal.
    if job is None or received != getattr(signal, "SIGUSR1", None):
        return False
    program = shutil.which("scontrol")
    if program is None:
        logger.warning("scontrol is not on PATH: job %s is not queued again", job)
        return False
    answer = subprocess.run([program, "requeue", job], capture_output=True, text=True, check=False)
    if answer.returncode:
        logger.warning("job %s could not be queued again: %s", job, answer.stderr.strip())
        return False
    logger.info("job %s is queued again and will resume", job)
    return True
