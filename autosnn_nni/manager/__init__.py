"""NNI's manager process: started safely, checked beforehand, registered with nnictl.

Nothing here imports torch: nnictl imports it whenever it is called.
"""
