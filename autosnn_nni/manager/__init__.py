"""NNI's manager process: safe start, checks beforehand, and registration with nnictl.

Importing this package does not import torch, because nnictl imports it on every call.
"""
